// Estimate how much of a recording is speech, to show the speaker when there is enough. The server
// measures again with a trained model.
//
// A frame counts as speech if its level is well above the noise floor and not far below the peak.
// The noise floor is the level of the quietest tenth of the last seconds.

const FRAME = 0.032; // seconds
const MEMORY = 8; // seconds that the noise floor and the peak are taken from
const ABOVE_FLOOR = 9; // dB
const BELOW_PEAK = 30; // dB
const LEAST = -58; // dBFS; quieter frames are silence
const HANGOVER = 0.22; // seconds; shorter pauses count as speech

export class SpeechMeter {
  constructor(rate) {
    this.rate = rate;
    this.size = Math.round(FRAME * rate);
    this.frame = new Float32Array(this.size);
    this.filled = 0;
    this.recent = [];
    this.level = -90; // dBFS of the last frame
    this.seconds = 0;
    this.speech = 0; // seconds
    this.pause = Infinity;
  }

  push(samples) {
    for (let start = 0; start < samples.length; ) {
      const part = samples.subarray(start, start + this.size - this.filled);
      this.frame.set(part, this.filled);
      this.filled += part.length;
      start += part.length;
      if (this.filled === this.size) {
        this.filled = 0;
        this.classify();
      }
    }
  }

  classify() {
    let mean = 0;
    for (const sample of this.frame) mean += sample;
    mean /= this.size;
    let energy = 0;
    for (const sample of this.frame) energy += (sample - mean) ** 2;
    this.level = 10 * Math.log10(energy / this.size + 1e-9);
    this.recent.push(this.level);
    if (this.recent.length > MEMORY / FRAME) this.recent.shift();
    const sorted = Float32Array.from(this.recent).sort();
    const floor = sorted[Math.floor(sorted.length / 10)];
    const peak = sorted[Math.floor(sorted.length * 0.95)];
    // Speech without pauses hides the noise floor, so frames near the peak always count.
    const threshold = Math.max(Math.min(floor + ABOVE_FLOOR, peak - 12), peak - BELOW_PEAK, LEAST);
    const seconds = this.size / this.rate;
    this.seconds += seconds;
    if (this.level > threshold) {
      if (this.pause <= HANGOVER) this.speech += this.pause;
      this.speech += seconds;
      this.pause = 0;
    } else {
      this.pause += seconds;
    }
  }
}

export function verdict(speech) {
  if (speech <= 15) return "short";
  return speech < 60 ? "good" : "long";
}
