// The player of a script. It records the blocks that need it, and plays one take after another.

import { randomKey, request } from "./editor-requests.js";
import { t } from "./i18n.js";

const AHEAD = 2; // blocks that are recorded while another one plays
const POLL = 120; // milliseconds between two looks at a take

const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const ENDED = new Set(["failed", "cancelled"]);

export class Player {
  constructor(page, script, helpers) {
    Object.assign(this, { page, script, ...helpers, active: null, orders: new Map() });
    this.button = page.querySelector("#play");
    this.follow = page.querySelector("#follow");
    this.rate = page.querySelector("#rate");
    this.audio = new Audio();
    this.button.addEventListener("click", () => (this.active ? this.stop() : this.play(this.from())));
    this.rate.addEventListener("change", () => (this.audio.playbackRate = Number(this.rate.value)));
  }

  show(text) {
    this.page.querySelector("#playing").textContent = text;
    this.button.setAttribute("aria-label", t(this.active ? "editor.stop" : "editor.play"));
    this.button.classList.toggle("on", Boolean(this.active));
  }

  stop() {
    if (!this.active) return;
    this.active.stopped = true;
    this.active.end?.();
    this.active = null;
    this.audio.pause();
    this.mark(null);
    this.show("");
  }

  mark(block) {
    this.marked?.classList.remove("sounding");
    this.marked = block ? this.rowOf(block) : null;
    this.marked?.classList.add("sounding");
    if (!block || !this.follow.checked) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.marked.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
  }

  async play(first) {
    this.stop();
    const run = { stopped: false };
    this.active = run;
    this.say("");
    this.show(t("editor.preparing"));
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
        await this.sound(run, take.audioUrl);
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

  // Play one take alone.
  async single(url) {
    this.stop();
    const run = { stopped: false };
    this.active = run;
    this.show(t("editor.take"));
    try {
      await this.sound(run, url);
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

  sound(run, url) {
    return new Promise((done, fail) => {
      run.end = done;
      this.audio.src = new URL(url).pathname + new URL(url).search;
      this.audio.playbackRate = this.audio.defaultPlaybackRate = Number(this.rate.value);
      this.audio.onended = done;
      this.audio.onerror = () => fail(new Error(t("editor.unplayable")));
      this.audio.play().catch((error) => (run.stopped ? done() : fail(error)));
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
    if (!block.id || block.state === "silent") return null;
    if (block.state === "ready" && block.take?.audioUrl) return block.take;
    const path = `${this.script.url}/blocks/${block.id}`;
    let take;
    if (block.state === "recording" && block.recordingId) {
      take = { id: block.recordingId };
    } else {
      const key = randomKey();
      const order = () => request("POST", `${path}/takes`, {}, { key });
      take = await order().catch((error) => (error.status === 0 ? order() : Promise.reject(error)));
    }
    block.state = "recording";
    this.draw(block);
    while (take.status !== "completed") {
      if (ENDED.has(take.status)) break;
      await wait(POLL);
      take = await request("GET", `${this.script.url}/takes/${take.id}`);
    }
    const view = await request("GET", path);
    this.script.adopt(block, view);
    this.draw(block);
    if (take.status !== "completed") throw new Error(t("editor.failed", { reason: take.error ?? "" }));
    return take;
  }
}
