// The form of the clone page: recording, preview, upload and submission.

import { withDrop } from "./drop.js";
import { clearErrors, showError } from "./errors.js";
import { Microphone, microphones, wav } from "./microphone.js";
import { RecordingHints } from "./recording-hints.js";
import { SpeechMeter, verdict } from "./speech-meter.js";
import { csrf, t } from "./i18n.js";
import { clock, waveform } from "./waveform.js";

const LONGEST = 60; // seconds, after which the recording stops
const LARGEST_MEASURED = 60_000_000; // bytes; larger files are not decoded in the browser
const LARGEST_TRIMMED = 12_000_000; // bytes; larger files are decoded at a low sample rate
const LEAST_SELECTION = 1; // seconds
const CHOSEN = "soundclone-microphone"; // in the browser's storage

export function source() {
  return withDrop({
    kind: "record",
    address: "",
    consent: "",
    recording: false,
    starting: false,
    speech: 0,
    counted: false,
    announcement: "",
    file: null,
    uploaded: null,
    uploading: false,
    busy: false,
    chosen: false,
    elapsed: 0,
    hints: [],
    sound: null, // decoded recording that can be trimmed: its samples and their rate
    from: 0, // seconds
    until: 0, // seconds
    playing: false,

    get pressed() {
      return this.recording ? "true" : "false";
    },
    get recordClass() {
      return this.recording ? "recording" : "";
    },
    get recordLabel() {
      if (this.recording) return t("stop");
      return this.file && this.kind === "record" ? t("record.again") : t("record");
    },
    get verdict() {
      return verdict(this.speech);
    },
    get speechText() {
      return t("speech", { seconds: Math.round(this.speech) });
    },
    get verdictText() {
      return t(`speech.${this.verdict}${this.recording ? "" : ".ended"}`);
    },
    get hasRecording() {
      return this.file !== null && !this.recording && this.kind !== "web";
    },
    get elapsedText() {
      return t("elapsed", { now: clock(this.elapsed), most: clock(LONGEST) });
    },
    get hintText() {
      return this.recording ? this.hints.slice(0, 2).map((hint) => t(`hint.${hint}`)).join(" ") : "";
    },
    get length() {
      return this.sound ? this.sound.samples.length / this.sound.rate : 0;
    },
    get isTrimmed() {
      return this.sound !== null && (this.from > 0 || this.until < this.length);
    },
    get trimText() {
      return t("trim", { from: clock(this.from), until: clock(this.until), seconds: (this.until - this.from).toFixed(1) });
    },
    get playLabel() {
      return t(this.playing ? "pause" : "play");
    },
    get fileName() {
      return this.file ? this.file.name : "";
    },

    init() {
      const { kind, consent, earlier } = this.$root.dataset;
      this.kind = kind;
      this.consent = consent;
      if (kind === "web") this.address = this.$refs.url.value;
      this.languages = JSON.parse(document.getElementById("languages").textContent);
      this.showPassage();
      this.listMicrophones();
      if (earlier) this.fetchEarlier(earlier);
      this.$watch("kind", () => this.reset());
      this.$watch("speech", (speech) => {
        this.$refs.filled.style.width = `${Math.min(100, (100 * speech) / 75)}%`;
      });
    },
    reset() {
      if (this.recording) this.microphone.stop();
      this.recording = false;
      this.file = this.uploaded = this.sound = null;
      this.counted = false;
      this.speech = this.elapsed = 0;
      this.hints = [];
      clearErrors(this.$root);
    },

    async listMicrophones() {
      const { devices } = this.$refs;
      const known = await microphones();
      const chosen = devices.value || remembered();
      devices.replaceChildren(devices.options[0], ...known.map(({ deviceId, label }) => new Option(label, deviceId)));
      devices.value = known.some(({ deviceId }) => deviceId === chosen) ? chosen : "";
    },
    chooseMicrophone() {
      try {
        localStorage.setItem(CHOSEN, this.$refs.devices.value);
      } catch {
        // The storage is blocked, so the choice is for this page only.
      }
    },

    async toggle() {
      if (this.starting) return;
      if (this.recording) return this.finish();
      this.reset();
      this.starting = true;
      // Not properties of the component, because Alpine would watch each access to them.
      const meters = { speech: null, hints: null, hinted: 0 };
      this.microphone = new Microphone((samples) => this.measureBlock(meters, samples));
      try {
        const { devices } = this.$refs;
        // Firefox names the microphones of a page only after one has recorded.
        const areNamed = devices.options.length > 1;
        await this.microphone.start(areNamed ? devices.value : remembered(), areNamed);
        meters.hints = new RecordingHints(this.microphone.rate);
        meters.speech = new SpeechMeter(this.microphone.rate);
        this.listMicrophones();
        this.recording = this.counted = true;
        this.announcement = t("recording");
      } catch (error) {
        const word = { NotAllowedError: "denied", NotFoundError: "none", NotSupportedError: "insecure", OverconstrainedError: "none" }[error.name] ?? "none";
        showError(this.$root, t("microphone"), t(`microphone.${word}`), "fileUrl");
      }
      this.starting = false;
    },
    measureBlock(meters, samples) {
      const meter = meters.speech;
      if (!meter || !this.recording) return;
      const before = verdict(this.speech);
      meter.push(samples);
      this.speech = meter.speech;
      this.elapsed = meter.seconds;
      meters.hints.push(samples);
      if (meter.seconds >= meters.hinted + 1) {
        meters.hinted = meter.seconds;
        this.hints = meters.hints.hints;
      }
      this.$refs.level.style.transform = `scaleX(${Math.max(0, Math.min(1, (meter.level + 60) / 60))})`;
      this.$refs.meter.setAttribute("aria-valuenow", Math.max(-60, Math.round(meter.level)));
      if (before !== this.verdict) this.announcement = `${this.speechText} ${this.verdictText}`;
      if (meter.seconds >= LONGEST) this.finish();
    },
    async finish() {
      this.recording = false;
      this.$refs.level.style.transform = "scaleX(0)";
      const { microphone } = this;
      const file = await microphone.stop();
      const samples = new Float32Array(microphone.blocks.reduce((sum, block) => sum + block.length, 0));
      let at = 0;
      for (const block of microphone.blocks) {
        samples.set(block, at);
        at += block.length;
      }
      this.setFile(file);
      this.setSound({ samples, rate: microphone.rate });
      this.announcement = `${this.speechText} ${this.verdictText}`;
    },

    take(file) {
      this.measure(file);
    },
    choose() {
      const [file] = this.$refs.file.files;
      if (file) this.measure(file);
    },
    // The server may be able to decode a file that the browser cannot.
    async measure(file) {
      clearErrors(this.$root);
      this.counted = false;
      this.setFile(file);
      if (file.size > LARGEST_MEASURED) return;
      const canTrim = file.size <= LARGEST_TRIMMED;
      const context = new OfflineAudioContext(1, 1, canTrim ? 48000 : 16000);
      try {
        const decoded = await context.decodeAudioData(await file.arrayBuffer());
        if (this.file !== file) return;
        const sound = { samples: mono(decoded), rate: decoded.sampleRate };
        if (canTrim) this.setSound(sound);
        this.count(sound.samples, sound.rate);
        this.announcement = `${this.speechText} ${this.verdictText}`;
      } catch {
        this.counted = false;
      }
    },
    // Load the recording of a failed attempt, so that it can be sent again.
    async fetchEarlier(link) {
      const { pathname, search } = new URL(link);
      const response = await fetch(pathname + search).catch(() => null);
      if (!response?.ok) return void (this.$refs.url.value = "");
      await this.measure(new File([await response.blob()], t("earlier")));
      this.uploaded = link;
    },
    count(samples, rate) {
      const meter = new SpeechMeter(rate);
      meter.push(samples);
      this.speech = meter.speech;
      this.counted = true;
    },
    setFile(file) {
      this.file = file;
      this.uploaded = this.sound = null;
      this.playing = false;
      this.$nextTick(() => {
        this.wave?.destroy();
        this.wave = waveform(this.$refs.wave);
        this.wave.on("error", () => {});
        this.wave.on("play", () => (this.playing = true));
        this.wave.on("pause", () => (this.playing = false));
        this.wave.loadBlob(file).catch(() => {});
      });
    },
    play() {
      if (!this.wave) return;
      if (this.playing) this.wave.pause();
      else if (this.isTrimmed) this.wave.play(this.from, this.until);
      else this.wave.play();
    },

    // The part of the recording that is sent. Its ends are the values of two sliders.
    setSound(sound) {
      this.sound = sound;
      const { start, end } = this.$refs;
      start.max = end.max = this.length.toFixed(1);
      this.trimAll();
    },
    trimAll() {
      this.$refs.start.value = 0;
      this.$refs.end.value = this.$refs.end.max;
      this.trim();
      this.countSelection();
    },
    trim(event) {
      const { start, end, before, after } = this.$refs;
      const most = Number(end.max);
      if (Number(end.value) - Number(start.value) < LEAST_SELECTION) {
        if (event?.target === start) start.value = Math.max(0, Number(end.value) - LEAST_SELECTION);
        else end.value = Math.min(most, Number(start.value) + LEAST_SELECTION);
      }
      this.from = Number(start.value);
      this.until = Number(end.value) >= most ? this.length : Number(end.value);
      before.style.width = `${(100 * this.from) / this.length}%`;
      after.style.width = `${100 - (100 * this.until) / this.length}%`;
      start.setAttribute("aria-valuetext", clock(this.from));
      end.setAttribute("aria-valuetext", clock(this.until));
      if (event) this.uploaded = null;
    },
    countSelection(event) {
      if (!this.sound) return;
      this.count(this.selection(), this.sound.rate);
      if (event) this.announcement = `${this.speechText} ${this.verdictText}`;
    },
    selection() {
      const { samples, rate } = this.sound;
      return samples.subarray(Math.round(this.from * rate), Math.round(this.until * rate));
    },
    fileToSend() {
      if (!this.isTrimmed) return this.file;
      return wav([this.selection()], this.sound.rate, `${this.file.name.replace(/\.\w+$/, "")}.wav`);
    },

    // The passage to read, and the text of the preview.
    //
    // The text is the sample line of the chosen language until somebody edits it. The language of
    // an edited text is detected, unless somebody has chosen a language.
    showPassage() {
      const { passage, code } = this.languages[this.$refs.reading.value];
      this.$refs.passage.textContent = passage;
      this.$refs.passage.lang = code;
    },
    choosePassage() {
      this.showPassage();
      if (!this.isSampleLine(this.$refs.text.value)) return;
      this.$refs.language.value = this.$refs.reading.value;
      this.showSampleLine();
    },
    isSampleLine(text) {
      return !text.trim() || Object.values(this.languages).some((each) => each.preview === text);
    },
    showSampleLine() {
      const sample = this.languages[this.$refs.language.value];
      if (!sample || !this.isSampleLine(this.$refs.text.value)) return;
      this.$refs.text.value = sample.preview;
      this.$refs.text.lang = sample.code;
      this.$refs.text.dispatchEvent(new Event("input", { bubbles: true }));
    },
    chooseLanguage() {
      this.chosen = true;
      this.showSampleLine();
    },
    editText() {
      const text = this.$refs.text.value;
      if (this.isSampleLine(text)) return;
      this.$refs.text.lang = "";
      if (!this.chosen) this.$refs.language.value = "auto";
    },
    fillText() {
      if (this.$refs.text.value.trim()) return;
      if (this.$refs.language.value === "auto") this.$refs.language.value = this.$refs.reading.value;
      this.showSampleLine();
    },

    // Upload the recording, then send the form.
    async prepare(event) {
      if (event.target !== this.$root) return;
      event.preventDefault();
      clearErrors(this.$root);
      if (this.recording) await this.finish();
      if (this.kind === "web") {
        this.$refs.url.value = this.address.trim();
      } else if (!this.file) {
        return showError(this.$root, t("missing"), t(`missing.${this.kind}`), "fileUrl").scrollIntoView({ block: "center" });
      } else if (this.counted && this.verdict !== "good" && !confirm(t(`sure.${this.verdict}`, { seconds: Math.round(this.speech) }))) {
        return;
      }
      this.busy = true;
      try {
        if (this.kind !== "web") {
          this.uploaded ??= await this.upload();
          if (!this.uploaded) return;
          this.$refs.url.value = this.uploaded;
        }
        event.detail.issueRequest(true);
      } finally {
        this.busy = false;
      }
    },
    upload() {
      this.uploading = true;
      const request = new XMLHttpRequest();
      const form = new FormData();
      form.append("file", this.fileToSend());
      return new Promise((done) => {
        request.upload.onprogress = ({ loaded, total }) => (this.$refs.upload.value = (100 * loaded) / total);
        request.onloadend = () => {
          this.uploading = false;
          let response = {};
          try {
            response = JSON.parse(request.responseText);
          } catch {
            // There is no response, or it is not JSON.
          }
          if (request.status === 200) return done(response.data.url);
          if (response.location) location.href = response.location;
          else showError(this.$root, response.title ?? t("offline"), response.message || t("offline.todo"), "fileUrl");
          done(null);
        };
        request.open("POST", "/studio/files/upload");
        request.setRequestHeader("X-CSRF-Token", csrf);
        request.setRequestHeader("Accept", "application/json");
        request.send(form);
      });
    },
  });
}

function remembered() {
  try {
    return localStorage.getItem(CHOSEN) ?? "";
  } catch {
    return "";
  }
}

// The mean of the channels of a decoded file.
function mono(sound) {
  const found = sound.getChannelData(0).slice();
  for (let channel = 1; channel < sound.numberOfChannels; channel += 1) {
    sound.getChannelData(channel).forEach((value, at) => (found[at] += value));
  }
  return sound.numberOfChannels > 1 ? found.map((value) => value / sound.numberOfChannels) : found;
}
