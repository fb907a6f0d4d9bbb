// The form of the clone page: recording, preview, upload and submission.

import { clearErrors, showError } from "./errors.js";
import { Microphone } from "./microphone.js";
import { SpeechMeter, verdict } from "./speech-meter.js";
import { csrf, t } from "./i18n.js";
import { waveform } from "./waveform.js";

const MOST_SPEECH = 58; // seconds, after which the recording stops
const LONGEST = 180; // seconds of a recording, with its pauses
const LARGEST_MEASURED = 60_000_000; // bytes; larger files are not decoded in the browser

export function source() {
  return {
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
    hovering: false,
    busy: false,
    chosen: false,

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
    get dropClass() {
      return this.hovering ? "hovering" : "";
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
      if (earlier) this.fetchEarlier(earlier);
      this.$watch("kind", () => this.reset());
      this.$watch("speech", (speech) => {
        this.$refs.filled.style.width = `${Math.min(100, (100 * speech) / 75)}%`;
      });
    },
    reset() {
      if (this.recording) this.microphone.stop();
      this.recording = false;
      this.file = this.uploaded = null;
      this.counted = false;
      this.speech = 0;
      clearErrors(this.$root);
    },

    async toggle() {
      if (this.starting) return;
      if (this.recording) return this.finish();
      this.reset();
      this.starting = true;
      const meter = { current: null };
      this.microphone = new Microphone((samples) => this.measureBlock(meter.current, samples));
      try {
        await this.microphone.start();
        meter.current = this.meter = new SpeechMeter(this.microphone.rate);
        this.recording = this.counted = true;
        this.announcement = t("recording");
      } catch (error) {
        const word = { NotAllowedError: "denied", NotFoundError: "none", NotSupportedError: "insecure" }[error.name] ?? "none";
        showError(this.$root, t("microphone"), t(`microphone.${word}`), "fileUrl");
      }
      this.starting = false;
    },
    measureBlock(meter, samples) {
      if (!meter || !this.recording) return;
      const before = verdict(this.speech);
      meter.push(samples);
      this.speech = meter.speech;
      this.$refs.level.style.transform = `scaleX(${Math.max(0, Math.min(1, (meter.level + 60) / 60))})`;
      this.$refs.meter.setAttribute("aria-valuenow", Math.max(-60, Math.round(meter.level)));
      if (before !== this.verdict) this.announcement = `${this.speechText} ${this.verdictText}`;
      if (meter.speech > MOST_SPEECH || meter.seconds > LONGEST) this.finish();
    },
    async finish() {
      this.recording = false;
      this.$refs.level.style.transform = "scaleX(0)";
      this.setFile(await this.microphone.stop());
      this.announcement = `${this.speechText} ${this.verdictText}`;
    },

    hover() {
      this.hovering = true;
    },
    leave() {
      this.hovering = false;
    },
    drop(event) {
      this.hovering = false;
      const [file] = event.dataTransfer.files;
      if (file) this.measure(file);
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
      const context = new OfflineAudioContext(1, 1, 16000);
      try {
        const sound = await context.decodeAudioData(await file.arrayBuffer());
        const meter = new SpeechMeter(sound.sampleRate);
        meter.push(sound.getChannelData(0));
        if (this.file !== file) return;
        this.speech = meter.speech;
        this.counted = true;
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
    setFile(file) {
      this.file = file;
      this.uploaded = null;
      this.$nextTick(() => {
        this.wave?.destroy();
        this.wave = waveform(this.$refs.wave);
        this.wave.on("error", () => {});
        this.wave.loadBlob(file).catch(() => {});
      });
    },
    play() {
      this.wave?.playPause();
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
      form.append("file", this.file);
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
  };
}
