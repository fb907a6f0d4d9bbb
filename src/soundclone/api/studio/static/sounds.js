// Sounds whose waveform the server has drawn. A sound is loaded when it is played for the first time.

import { t } from "./i18n.js";
import { clock } from "./waveform.js";

let playing = null; // at most one sound plays

export function sound() {
  return {
    playing: false,
    failed: false,
    clock: "",
    audio: null, // declared here, or it would belong to the card and both sounds would share it

    get label() {
      return `${t(this.playing ? "pause" : "play")} – ${this.$root.getAttribute("aria-label")}`;
    },
    destroy() {
      this.audio?.pause();
      if (playing === this.audio) playing = null;
    },
    load() {
      if (this.audio) return;
      this.audio = new Audio(this.$root.dataset.source);
      this.audio.addEventListener("play", () => (this.playing = true));
      this.audio.addEventListener("pause", () => (this.playing = false));
      this.audio.addEventListener("timeupdate", () => this.move());
      this.audio.addEventListener("loadedmetadata", () => this.seek());
      this.audio.addEventListener("error", () => {
        this.playing = false;
        this.failed = true;
      });
    },
    toggle() {
      this.load();
      if (!this.audio.paused) return this.audio.pause();
      if (playing !== this.audio) playing?.pause();
      playing = this.audio;
      this.failed = false;
      this.audio.play().catch(() => {});
    },
    seek() {
      this.load();
      const { duration } = this.audio;
      if (duration) this.audio.currentTime = (duration * this.$refs.seek.value) / 1000;
      this.move();
    },
    move() {
      const { currentTime, duration } = this.audio;
      if (!duration) return;
      const part = currentTime / duration;
      this.clock = `${clock(currentTime)} / ${clock(duration)}`;
      this.$refs.seek.value = 1000 * part;
      this.$refs.seek.setAttribute("aria-valuetext", this.clock);
      this.$refs.heard.style.clipPath = `inset(0 ${100 - 100 * part}% 0 0)`;
    },
  };
}

// A card whose name is edited in place.
export function editable() {
  return {
    editing: false,

    get expanded() {
      return this.editing ? "true" : "false";
    },
    edit() {
      this.editing = !this.editing;
      if (!this.editing) return;
      // Alpine shows the form in the next frame, and a hidden field takes no focus.
      this.$nextTick(() => requestAnimationFrame(() => this.$refs.name.focus()));
    },
    close() {
      this.editing = false;
    },
  };
}
