// Entry point of the studio's scripts. The server renders the pages, htmx replaces parts of them,
// and the Alpine components in this module handle players, recordings and forms.

import { source } from "./clone.js";
import { performance } from "./convert.js";
import { deleteAllDrafts, deleteDraft, restoreDraft, saveDraft } from "./drafts.js";
import { clearErrors, install, showError } from "./errors.js";
import { csrf, t } from "./i18n.js";
import { playable } from "./playable.js";
import { importer } from "./projects.js";
import { pronunciations } from "./pronunciations.js";
import { editable, sound } from "./sounds.js";
import { clock, repaint, waveform } from "./waveform.js";

install(t);

// Forms

document.addEventListener("htmx:configRequest", ({ detail }) => {
  detail.headers["X-CSRF-Token"] = csrf;
  // The server recognises a form that is sent twice by this key.
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
  if (detail.successful && detail.elt.matches("[data-ends-session]")) deleteAllDrafts();
});

// Times in the reader's time zone

function showLocalTimes(root) {
  const { lang } = document.documentElement;
  const format = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });
  const withSeconds = new Intl.DateTimeFormat(lang, { timeStyle: "medium" });
  for (const each of root.querySelectorAll("time:not([data-local])")) {
    each.title = each.textContent;
    const shown = each.dataset.clock === undefined ? format : withSeconds;
    each.textContent = shown.format(new Date(each.dateTime));
    each.dataset.local = "";
  }
}
document.addEventListener("DOMContentLoaded", () => showLocalTimes(document));
document.addEventListener("htmx:load", ({ detail }) => showLocalTimes(detail.elt));

// Parts of pages that follow the service, unless the page is hidden or the user works in the part.

const LIVE = 5000; // milliseconds

setInterval(() => {
  if (document.hidden) return;
  for (const part of document.querySelectorAll("[data-live]")) {
    if (part.contains(document.activeElement) || part.querySelector("details[open]")) continue;
    window.htmx.ajax("GET", part.dataset.live, { source: part, target: part, swap: "outerHTML" });
  }
}, LIVE);

// Controls that every page has

document.addEventListener("submit", ({ target }) => {
  if (target.matches('[action="/studio/sign-out"]')) deleteAllDrafts();
});
document.addEventListener("click", async ({ target }) => {
  const copy = target.closest("[data-copy]");
  if (copy) {
    const code = copy.closest(".snippet").querySelector("pre");
    await copyText(code.textContent, code);
    const label = copy.querySelector("span");
    const before = label.textContent;
    label.textContent = t("copied");
    setTimeout(() => (label.textContent = before), 1500);
  }
  const text = target.closest("[data-copy-text]");
  if (text) {
    await copyText(text.dataset.copyText, text.previousElementSibling);
    text.classList.add("copied");
    text.title = t("copied");
    setTimeout(() => text.classList.remove("copied"), 1500);
  }
  if (target.closest("[data-theme-switch]")) switchTheme();
});

// Browsers offer the clipboard only on https and on localhost.
async function copyText(text, element) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    getSelection().selectAllChildren(element);
    document.execCommand("copy");
  }
}

function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : root.dataset.theme === "dark";
  root.dataset.theme = dark ? "light" : "dark";
  document.cookie = `soundclone_theme=${root.dataset.theme}; path=/studio; max-age=31536000; samesite=strict`;
  repaint();
}

document.addEventListener("alpine:init", () => {
  const { Alpine } = window;

  Alpine.data("source", source);
  Alpine.data("performance", performance);
  Alpine.data("importer", importer);
  Alpine.data("pronunciations", pronunciations);
  Alpine.data("sound", sound);
  Alpine.data("editable", editable);

  // An audio player with a waveform and, if the task has them, subtitles.
  Alpine.data("player", () => ({
    playing: false,
    failed: false,
    clock: "0:00",

    get label() {
      return t(this.playing ? "pause" : "play");
    },
    init() {
      const { source } = this.$root.dataset;
      const isFlac = /\.flac(\?|$)/.test(source);
      this.wave = waveform(this.$refs.wave, isFlac ? {} : { url: source });
      this.wave.on("ready", () => this.move(0));
      this.wave.on("play", () => (this.playing = true));
      this.wave.on("pause", () => (this.playing = false));
      this.wave.on("timeupdate", (seconds) => this.move(seconds));
      this.wave.on("error", () => (this.failed = true));
      if (isFlac) playable(source).then((file) => this.wave.loadBlob(file)).catch(() => (this.failed = true));
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
      const response = await fetch(this.$root.dataset.cues);
      if (!response.ok) return;
      for (const { start, end, text } of await response.json()) {
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

  // The script of the speak page: its length, its pause markers and its draft.
  Alpine.data("script", () => ({
    counter: "",

    init() {
      if (restoreDraft(this.$root)) {
        // Make htmx request the price.
        setTimeout(() => this.$refs.text.dispatchEvent(new Event("input", { bubbles: true })));
      }
      this.$root.addEventListener("input", () => saveDraft(this.$root));
      this.$root.addEventListener("htmx:afterRequest", ({ target, detail }) => {
        if (target === this.$root && detail.xhr.status === 204) deleteDraft(this.$root);
      });
      this.count();
    },
    count() {
      const text = this.$refs.text?.value ?? "";
      const characters = [...text.replace(/<#\d+(\.\d+)?#>/g, "")].length;
      this.counter = t("counter", { characters: characters.toLocaleString(), limit: (10000).toLocaleString() });
    },
    pause(event) {
      const { length } = this.$refs;
      const preset = event.currentTarget.dataset.pause;
      if (!preset && !length.reportValidity()) return;
      const seconds = preset ?? length.value;
      const { text } = this.$refs;
      text.setRangeText(`<#${seconds}#>`, text.selectionStart, text.selectionEnd, "end");
      text.dispatchEvent(new Event("input", { bubbles: true }));
      text.focus();
    },
  }));

  // A slider that shows its value with a unit.
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

  // The slider of the volume, in decibels: the middle leaves the volume as it is.
  Alpine.data("volume", () => ({
    shown: "",

    init() {
      const { level, volume } = this.$refs;
      level.value = 20 * Math.log10(volume.value);
      this.show();
    },
    set() {
      const { level, volume } = this.$refs;
      volume.value = Number((10 ** (level.value / 20)).toFixed(2));
      this.show();
    },
    show() {
      const { level, volume } = this.$refs;
      this.shown = t("vol", { value: volume.value });
      level.setAttribute("aria-valuetext", this.shown);
    },
  }));

  // A select that limits the languages to those of the chosen version.
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

  // The consent recording. It is uploaded as soon as it is chosen.
  Alpine.data("agreement", () => ({
    async choose() {
      const { file, url } = this.$refs;
      url.value = "";
      clearErrors(this.$root);
      const [chosen] = file.files;
      if (!chosen) return;
      file.setCustomValidity(t("uploading"));
      const body = new FormData();
      body.append("file", chosen);
      const headers = { "X-CSRF-Token": csrf, Accept: "application/json" };
      let response = {};
      try {
        response = await (await fetch("/studio/files/upload", { method: "POST", body, headers })).json();
      } catch {
        // There is no response, or it is not JSON.
      }
      file.setCustomValidity("");
      if (file.files[0] !== chosen) return;
      if (response.data?.url) {
        url.value = response.data.url;
      } else {
        file.value = "";
        showError(this.$root, response.title ?? t("offline"), response.message || t("offline.todo"), "consentRecording");
      }
    },
  }));

  // The form that creates a key, or an endpoint of webhooks. The secret is shown once.
  Alpine.data("newKey", () => ({
    made: false,
    secret: "",

    async make() {
      const form = this.$root.querySelector("form");
      const body = new URLSearchParams(new FormData(form));
      if (!body.has("scopes")) body.set("scopes", ""); // the service explains that one is needed
      if (await this.send(this.path(), body)) form.reset();
    },
    async rotate(event) {
      const { key, sure } = event.target.dataset;
      if (window.confirm(sure)) await this.send(`${this.path()}/${key}/rotation`, "");
    },
    path() {
      return this.$root.dataset.target ?? "/studio/keys";
    },
    async send(url, body) {
      const form = this.$root.querySelector("form");
      clearErrors(form);
      const response = await fetch(url, {
        method: "POST",
        body,
        headers: { "X-CSRF-Token": csrf, Accept: "application/json" },
      });
      const data = await response.json();
      if (!response.ok) return showError(form, data.title, data.message, data.field);
      this.secret = data.key;
      this.made = true;
      window.htmx.ajax("GET", location.pathname, { target: "#key-rows", select: "#key-rows", swap: "outerHTML" });
      return true;
    },
    copy() {
      copyText(this.secret, this.$root.querySelector("[data-secret]"));
    },
  }));
});
