// What the studio's pages do in the browser. Pages come from the server; htmx fetches parts of
// them; Alpine's components, which are here, do what only a browser can.

import { clearErrors, install, showError } from "./errors.js";
import { Microphone } from "./microphone.js";
import { SpeechMeter, verdict } from "./speech.js";
import { csrf, t } from "./texts.js";
import { clock, repaint, waveform } from "./waveform.js";

const MOST_SPEECH = 58; // seconds; then the recording ends by itself
const LONGEST = 180; // seconds
const MEASURED = 60_000_000; // bytes of a file that is decoded here to be measured

install(t);

// Forms

document.addEventListener("htmx:configRequest", ({ detail }) => {
  detail.headers["X-CSRF-Token"] = csrf;
  // Sent again, the same form is done once: the server knows it by this.
  const form = detail.elt;
  if (form.dataset.once !== undefined) {
    form.once ??= [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    detail.parameters.idempotency = form.once;
  }
});
document.addEventListener("input", ({ target }) => {
  if (target.form) delete target.form.once;
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful) delete detail.elt.once;
});

// Times in the reader's own zone

function localise(root) {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  for (const each of root.querySelectorAll("time:not([data-local])")) {
    each.title = each.textContent;
    each.textContent = format.format(new Date(each.dateTime));
    each.dataset.local = "";
  }
}
document.addEventListener("DOMContentLoaded", () => localise(document));
document.addEventListener("htmx:load", ({ detail }) => localise(detail.elt));

// Switches and buttons of every page

document.addEventListener("click", async ({ target }) => {
  const copy = target.closest("[data-copy]");
  if (copy) {
    const code = copy.closest(".snippet").querySelector("pre");
    await put(code.textContent, code);
    const label = copy.querySelector("span");
    const before = label.textContent;
    label.textContent = t("copied");
    setTimeout(() => (label.textContent = before), 1500);
  }
  if (target.closest("[data-theme-switch]")) {
    const root = document.documentElement;
    const dark = root.dataset.theme === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : root.dataset.theme === "dark";
    root.dataset.theme = dark ? "light" : "dark";
    document.cookie = `soundclone_theme=${root.dataset.theme}; path=/studio; max-age=31536000; samesite=strict`;
    repaint();
  }
  const listen = target.closest("[data-listen]");
  if (listen) toggleAudio(listen);
});

// The clipboard is there on https and on this machine only.
async function put(text, element) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    getSelection().selectAllChildren(element);
    document.execCommand("copy");
  }
}

let playing = null;
function toggleAudio(button) {
  const stopped = playing?.button === button;
  playing?.audio.pause();
  playing?.button.setAttribute("aria-pressed", "false");
  playing = null;
  if (stopped) return;
  const audio = new Audio(button.dataset.listen);
  const end = () => {
    button.setAttribute("aria-pressed", "false");
    playing = null;
  };
  audio.addEventListener("ended", end);
  audio.addEventListener("error", () => {
    end();
    showError(button, t("unplayable"), t("unplayable.todo"));
  });
  button.setAttribute("aria-pressed", "true");
  playing = { button, audio };
  audio.play().catch(() => {});
}

document.addEventListener("alpine:init", () => {
  const { Alpine } = window;

  // The source of a voice: microphone, file or address.
  Alpine.data("source", () => ({
    kind: "record",
    address: "",
    consent: "",
    recording: false,
    starting: false,
    speech: 0,
    counted: false,
    spoken: "",
    file: null,
    uploaded: null,
    uploading: false,
    hovering: false,
    busy: false,

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
      return t(`speech.${this.verdict}`);
    },
    get hasRecording() {
      return this.file !== null && !this.recording && this.kind !== "web";
    },
    get fileName() {
      return this.file ? this.file.name : "";
    },

    init() {
      this.$watch("kind", () => this.forget());
      this.$watch("speech", (speech) => {
        this.$refs.filled.style.width = `${Math.min(100, (100 * speech) / 75)}%`;
      });
    },
    forget() {
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
      this.forget();
      this.starting = true;
      const meter = { current: null };
      this.microphone = new Microphone((samples) => this.hear(meter.current, samples));
      try {
        await this.microphone.start();
        meter.current = this.meter = new SpeechMeter(this.microphone.rate);
        this.recording = this.counted = true;
        this.spoken = t("recording");
      } catch (error) {
        const word = { NotAllowedError: "denied", NotFoundError: "none", NotSupportedError: "insecure" }[error.name] ?? "none";
        showError(this.$root, t("microphone"), t(`microphone.${word}`), "fileUrl");
      }
      this.starting = false;
    },
    hear(meter, samples) {
      if (!meter || !this.recording) return;
      const before = verdict(this.speech);
      meter.push(samples);
      this.speech = meter.speech;
      this.$refs.level.style.transform = `scaleX(${Math.max(0, Math.min(1, (meter.level + 60) / 60))})`;
      this.$refs.meter.setAttribute("aria-valuenow", Math.max(-60, Math.round(meter.level)));
      if (before !== this.verdict) this.spoken = `${this.speechText} ${this.verdictText}`;
      if (meter.speech > MOST_SPEECH || meter.seconds > LONGEST) this.finish();
    },
    async finish() {
      this.recording = false;
      this.$refs.level.style.transform = "scaleX(0)";
      this.keep(await this.microphone.stop());
      this.spoken = `${this.speechText} ${this.verdictText}`;
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
    // What the browser cannot read, such as some films, the server may.
    async measure(file) {
      clearErrors(this.$root);
      this.counted = false;
      this.keep(file);
      if (file.size > MEASURED) return;
      const context = new OfflineAudioContext(1, 1, 16000);
      try {
        const sound = await context.decodeAudioData(await file.arrayBuffer());
        const meter = new SpeechMeter(sound.sampleRate);
        meter.push(sound.getChannelData(0));
        if (this.file !== file) return;
        this.speech = meter.speech;
        this.counted = true;
        this.spoken = `${this.speechText} ${this.verdictText}`;
      } catch {
        this.counted = false;
      }
    },
    keep(file) {
      this.file = file;
      this.uploaded = null;
      this.$nextTick(() => {
        this.wave?.destroy();
        this.wave = waveform(this.$refs.wave);
        this.wave.on("error", () => {});
        this.wave.loadBlob(file).catch(() => {});
      });
    },
    listen() {
      this.wave?.playPause();
    },

    // Before the form is sent, what it names is brought to the server.
    async prepare(event) {
      if (event.target !== this.$root) return;
      event.preventDefault();
      clearErrors(this.$root);
      if (this.recording) await this.finish();
      if (this.kind === "web") {
        this.$refs.url.value = this.address.trim();
      } else if (!this.file) {
        return showError(this.$root, t("missing"), t(`missing.${this.kind}`), "fileUrl").scrollIntoView({ block: "center" });
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
          let answer = {};
          try {
            answer = JSON.parse(request.responseText);
          } catch {
            // Nobody answered.
          }
          if (request.status === 200) return done(answer.data.url);
          if (answer.location) location.href = answer.location;
          else showError(this.$root, answer.title ?? t("offline"), answer.message ? `${answer.message}.` : t("offline.todo"), "fileUrl");
          done(null);
        };
        request.open("POST", "/studio/files/upload");
        request.setRequestHeader("X-CSRF-Token", csrf);
        request.setRequestHeader("Accept", "application/json");
        request.send(form);
      });
    },
  }));

  // A recording with its waveform and, where there are some, its subtitles.
  Alpine.data("player", () => ({
    playing: false,
    failed: false,
    clock: "0:00",

    get label() {
      return t(this.playing ? "pause" : "play");
    },
    init() {
      this.wave = waveform(this.$refs.wave, { url: this.$root.dataset.source });
      this.wave.on("ready", () => this.move(0));
      this.wave.on("play", () => (this.playing = true));
      this.wave.on("pause", () => (this.playing = false));
      this.wave.on("timeupdate", (seconds) => this.move(seconds));
      this.wave.on("error", () => (this.failed = true));
      if (this.$root.dataset.cues) this.load();
    },
    destroy() {
      this.wave.destroy();
    },
    toggle() {
      this.wave.playPause();
    },
    seek() {
      this.wave.seekTo(this.$refs.seek.value / 1000);
    },
    move(seconds) {
      const length = this.wave.getDuration();
      this.clock = `${clock(seconds)} / ${clock(length)}`;
      this.$refs.seek.value = length ? (1000 * seconds) / length : 0;
      this.$refs.seek.setAttribute("aria-valuetext", this.clock);
      for (const cue of this.$refs.cues?.children ?? []) {
        const now = seconds * 1000 >= cue.dataset.start && seconds * 1000 < cue.dataset.end;
        if (now && !cue.ariaCurrent) cue.scrollIntoView({ block: "nearest" });
        cue.ariaCurrent = now ? "true" : null;
      }
    },
    async load() {
      const answer = await fetch(this.$root.dataset.cues);
      if (!answer.ok) return;
      for (const { start, end, text } of await answer.json()) {
        const cue = document.createElement("button");
        cue.type = "button";
        cue.className = "cue";
        cue.dir = "auto";
        cue.textContent = text;
        Object.assign(cue.dataset, { start, end });
        cue.addEventListener("click", () => {
          this.wave.setTime(start / 1000);
          this.wave.play();
        });
        this.$refs.cues.append(cue, " ");
      }
    },
  }));

  // A script with pause markers.
  Alpine.data("script", () => ({
    counter: "",

    init() {
      this.count();
    },
    count() {
      const text = this.$refs.text?.value ?? "";
      const characters = [...text.replace(/<#\d+(\.\d+)?#>/g, "")].length;
      this.counter = t("counter", { characters: characters.toLocaleString(), limit: (10000).toLocaleString() });
    },
    pause(event) {
      const seconds = event.currentTarget.dataset.pause ?? this.$refs.length.value;
      const { text } = this.$refs;
      text.setRangeText(`<#${seconds}#>`, text.selectionStart, text.selectionEnd, "end");
      text.dispatchEvent(new Event("input", { bubbles: true }));
      text.focus();
    },
  }));

  Alpine.data("slider", () => ({
    shown: "",

    init() {
      this.show();
    },
    show() {
      const { value } = this.$refs.input;
      this.shown = t(this.$root.dataset.unit, { value: this.$root.dataset.unit === "pitch" && value > 0 ? `+${value}` : value });
      this.$refs.input.setAttribute("aria-valuetext", this.shown);
    },
  }));

  // A select whose choice says which languages there are.
  Alpine.data("versioned", () => ({
    init() {
      this.$root.addEventListener("change", () => this.limit());
      this.limit();
    },
    limit() {
      const [chosen] = this.$root.selectedOptions;
      const version = chosen?.dataset.version ?? chosen?.value;
      const languages = this.$root.form.querySelector("[data-languages]");
      for (const option of languages.options) {
        option.disabled = option.hidden = (option.dataset.version ?? "v1") > version;
      }
      if (languages.selectedOptions[0]?.disabled) languages.value = "auto";
    },
  }));

  Alpine.data("newKey", () => ({
    made: false,
    secret: "",

    async make() {
      const form = this.$root;
      clearErrors(form);
      const answer = await fetch("/studio/keys", {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        headers: { "X-CSRF-Token": csrf, Accept: "application/json" },
      });
      const data = await answer.json();
      if (!answer.ok) return showError(form, data.title, `${data.message}.`, data.message.split(" ")[0]);
      this.secret = data.key;
      this.made = true;
      form.reset();
    },
    copy() {
      put(this.secret, this.$root.querySelector("[data-secret]"));
    },
  }));
});
