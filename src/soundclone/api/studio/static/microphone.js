// Record from the microphone: blocks of samples during the recording, a WAV file at its end.

export class Microphone {
  // Call `onSamples(samples)` with each block.
  constructor(onSamples) {
    this.onSamples = onSamples;
    this.blocks = [];
  }

  // `device` is the id of a microphone, empty for the browser's default. The default replaces a
  // microphone that is gone, unless the user has chosen it now.
  async start(device = "", isChosen = true) {
    if (!navigator.mediaDevices) throw new DOMException("", "NotSupportedError");
    // The browser's audio processing removes features of the voice that cloning needs.
    const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    if (device) audio.deviceId = isChosen ? { exact: device } : { ideal: device };
    this.stream = await navigator.mediaDevices.getUserMedia({ audio });
    this.context = new AudioContext();
    this.rate = this.context.sampleRate;
    await this.context.audioWorklet.addModule("/studio/static/recorder-worklet.js");
    const recorder = new AudioWorkletNode(this.context, "recorder", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    recorder.port.onmessage = ({ data }) => {
      this.blocks.push(data);
      this.onSamples(data);
    };
    this.context.createMediaStreamSource(this.stream).connect(recorder);
  }

  async stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    await this.context?.close();
    return wav(this.blocks, this.rate);
  }
}

// The microphones that can be chosen. Browsers name them once the page may use one.
export async function microphones() {
  if (!navigator.mediaDevices) return [];
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  return devices.filter(({ kind, label, deviceId }) => kind === "audioinput" && label && deviceId && deviceId !== "default");
}

// Encode blocks of samples as a WAV file with 16-bit mono PCM.
export function wav(blocks, rate, name = "recording.wav") {
  const count = blocks.reduce((sum, block) => sum + block.length, 0);
  const view = new DataView(new ArrayBuffer(44 + 2 * count));
  const text = (offset, letters) => [...letters].forEach((letter, i) => view.setUint8(offset + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * count, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * count, true);
  let offset = 44;
  for (const block of blocks) {
    for (const sample of block) {
      view.setInt16(offset, Math.round(Math.max(-1, Math.min(1, sample)) * 32767), true);
      offset += 2;
    }
  }
  return new File([view], name, { type: "audio/wav" });
}
