// The player of a script. It records the blocks that need it, and plays one take after another.

import { request } from "./editor-requests.js";
import { SpokenWord } from "./editor-words.js";
import { t } from "./i18n.js";
import { playable } from "./playable.js";

const AHEAD = 2; // blocks that are recorded while another one plays
const POLL = 120; // milliseconds between two looks at a take

const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const ENDED = new Set(["completed", "failed", "cancelled"]);
const scrolling = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");

export class Player {
  constructor(page, script, helpers) {
    Object.assign(this, { page, script, ...helpers, active: null, orders: new Map() });
    this.button = page.querySelector("#play");
    this.follow = page.querySelector("#follow");
    this.rate = page.querySelector("#rate");
    this.dock = page.querySelector(".dock");
    this.audio = new Audio();
    this.word = new SpokenWord(this.audio, { rowOf: this.rowOf, shown: (range) => this.keepInView(range) });
    this.button.addEventListener("click", () => this.toggle());
    this.rate.addEventListener("change", () => (this.audio.playbackRate = Number(this.rate.value)));
  }

  show(text, preparing = "") {
    this.page.querySelector("#playing").textContent = text;
    this.page.querySelector("#preparing").textContent = preparing;
    this.button.setAttribute("aria-label", t(this.active ? "editor.stop" : "editor.play"));
    this.button.classList.toggle("on", Boolean(this.active));
  }

  toggle() {
    return this.active ? this.stop() : this.play(this.from());
  }

  stop() {
    if (!this.active) return;
    this.active.stopped = true;
    this.active.end?.();
    this.active = null;
    this.audio.pause();
    this.word.stop();
    this.mark(null);
    this.show("");
  }

  mark(block) {
    this.marked?.classList.remove("sounding");
    this.marked = block ? this.rowOf(block) : null;
    this.marked?.classList.add("sounding");
    this.within = false;
    if (!block || !this.follow.checked) return;
    const isLong = this.marked.offsetHeight > innerHeight / 2;
    this.marked.scrollIntoView({ block: isLong ? "start" : "center", behavior: scrolling() });
  }

  // A block may be longer than the window. Scroll when the word that is heard has left the window.
  keepInView(range) {
    if (!this.follow.checked || this.marked.offsetHeight <= innerHeight / 2) return;
    const { top, bottom } = range.getBoundingClientRect();
    const within = top >= 0 && bottom <= this.dock.getBoundingClientRect().top;
    if (this.within && !within) scrollBy({ top: top - innerHeight / 4, behavior: scrolling() });
    this.within = within;
  }

  async play(first) {
    this.stop();
    const run = { stopped: false };
    this.active = run;
    this.say("");
    this.show("", t("editor.preparing"));
    try {
      for (let block = first; block && !run.stopped; block = this.script.after(block)) {
        if (block.kind === "pause") {
          this.mark(block);
          this.ahead(block);
          await this.rest(run, (1000 * (block.seconds ?? 0)) / this.audio.playbackRate);
          continue;
        }
        if (!block.text?.trim()) continue;
        const take = await this.ready(block, run);
        if (run.stopped) return;
        if (!take) continue;
        this.mark(block);
        this.show(block.text.slice(0, 80));
        this.ahead(block);
        await this.sound(run, block, take);
      }
      if (!run.stopped) this.stop();
    } catch (error) {
      if (run.stopped) return;
      this.stop();
      this.say(error.message);
    } finally {
      this.price();
    }
  }

  // Play one take of a block alone.
  async single(block, take) {
    this.stop();
    const run = { stopped: false };
    this.active = run;
    this.mark(block);
    this.show(t("editor.take"));
    try {
      await this.sound(run, block, take);
    } catch (error) {
      this.say(error.message);
    }
    if (this.active === run) this.stop();
  }

  rest(run, milliseconds) {
    return new Promise((done) => {
      run.end = done;
      setTimeout(done, milliseconds);
    });
  }

  async sound(run, block, take) {
    const { pathname, search } = new URL(take.audioUrl);
    const file = await playable(pathname + search).catch(() => null);
    if (run.stopped) return;
    if (!file) throw new Error(t("editor.unplayable"));
    this.word.follow(block, take);
    URL.revokeObjectURL(this.audio.src);
    return new Promise((done, fail) => {
      run.end = done;
      this.audio.src = URL.createObjectURL(file);
      this.audio.playbackRate = this.audio.defaultPlaybackRate = Number(this.rate.value);
      this.audio.onended = done;
      const refuse = () => fail(new Error(t("editor.unplayable")));
      this.audio.onerror = refuse;
      this.audio.play().catch(() => (run.stopped ? done() : refuse()));
    });
  }

  ahead(block) {
    let next = block;
    for (let count = 0; count < AHEAD; count++) {
      do next = this.script.after(next);
      while (next && (next.kind === "pause" || !next.text?.trim()));
      if (!next) return;
      this.ready(next).catch(() => {}); // the error is shown when the block's turn comes
    }
  }

  // Return the take of a block as it is now. A block without one is recorded.
  ready(block, run) {
    const under = this.orders.get(block);
    if (under) return under;
    const order = this.record(block, run).finally(() => this.orders.delete(block));
    this.orders.set(block, order);
    return order;
  }

  async record(block) {
    if (this.script.dirty.size) {
      await this.script.save();
      if (this.script.dirty.has(block) && this.script.trouble) throw this.script.trouble;
    }
    const path = `${this.script.url}/blocks/${block.id}`;
    for (;;) {
      if (!block.id || block.state === "silent") return null;
      if (block.state === "ready" && block.take?.audioUrl) return block.take;
      const isKnown = block.state === "recording" && block.recordingId;
      const take = await this.awaited(block, isKnown ? block.recordingId : await this.order(block));
      this.script.adopt(block, await request("GET", path));
      this.draw(block);
      if (take && take.status !== "completed") throw new Error(t("editor.failed", { reason: take.error ?? "" }));
      // Somebody may have chosen a take with other words. It is what a file would have.
      if (!take && block.state === "stale") return block.take;
      // A block that was changed meanwhile needs another take, unless the change is not saved yet.
      if (take && (block.state !== "stale" || this.script.dirty.has(block))) return take;
    }
  }

  // Order a take, unless one fits or is under way, and return its id. "Record what is missing" may
  // have ordered it.
  async order(block) {
    const order = () => request("POST", `${this.script.url}/takes`, { blockIds: [block.id] });
    const { list, refused } = await order().catch((error) => (error.status === 0 ? order() : Promise.reject(error)));
    if (refused.length) throw new Error(refused[0].error);
    return list[0]?.id ?? null;
  }

  async awaited(block, id) {
    if (!id) return null;
    block.state = "recording";
    this.draw(block);
    for (;;) {
      const take = await request("GET", `${this.script.url}/takes/${id}`);
      if (ENDED.has(take.status)) return take;
      await wait(POLL);
    }
  }
}
