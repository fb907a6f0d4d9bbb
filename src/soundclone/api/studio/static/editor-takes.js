// The takes of a block, and the files of a project.

import { randomKey, request } from "./editor-requests.js";
import { t } from "./i18n.js";

function button(text, act, disabled = false) {
  const made = document.createElement("button");
  Object.assign(made, { type: "button", className: "button quiet small", textContent: text, disabled });
  made.addEventListener("click", act);
  return made;
}

// A busy button ignores presses. If it were disabled, it would lose the focus.
const isBusy = (pressed) => pressed.ariaDisabled === "true";
const setBusy = (pressed, is) => (pressed.ariaDisabled = is ? "true" : null);

const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const isRecording = (block) => block.state === "recording";

export class Takes {
  constructor(page, script, helpers) {
    Object.assign(this, { script, ...helpers, block: null, recording: new Set() });
    this.card = page.querySelector("#takes-card");
    this.rows = page.querySelector("#takes");
    this.state = page.querySelector("#takes-state");
    this.again = page.querySelector("#record-again");
    this.again.addEventListener("click", () => this.record());
    this.card.addEventListener("toggle", () => this.show(this.block));
  }

  async show(block) {
    if (this.block !== block) this.state.textContent = "";
    this.block = block?.kind === "pause" ? null : block;
    this.again.disabled = !this.block;
    setBusy(this.again, this.recording.has(this.block));
    if (!this.card.open) return;
    if (!this.block?.id) return this.rows.replaceChildren();
    const { list } = await this.attempt(() => request("GET", `${this.path()}/takes`)) ?? { list: [] };
    if (this.block !== block) return;
    const focused = this.rows.contains(document.activeElement) ? document.activeElement.dataset : null;
    this.rows.replaceChildren(...list.map((take, place) => this.row(take, list.length - place)));
    if (focused) this.focus(focused);
  }

  // Focus the button that had the focus before the rows were made again, or one that is like it.
  focus({ take, action }) {
    const same = `[data-action="${action}"]:enabled`;
    const found = this.rows.querySelector(`[data-take="${take}"]${same}`) ?? this.rows.querySelector(same);
    (found ?? this.again).focus();
  }

  path() {
    return `${this.script.url}/blocks/${this.block.id}`;
  }

  async attempt(work) {
    try {
      return await work();
    } catch (error) {
      this.state.textContent = error.message;
      return null;
    }
  }

  row(take, number) {
    const row = document.createElement("li");
    const text = document.createElement("span");
    const notes = [t("editor.take.number", { number }), take.chosen && t("editor.take.chosen"), take.stale && t("editor.state.stale"), take.status === "failed" && t("editor.state.failed"), !take.audioUrl && take.status !== "failed" && t("editor.state.recording")];
    text.textContent = notes.filter(Boolean).join(" · ");
    const make = (action, act, disabled) => {
      const made = button(t(`editor.take.${action}`, { number }), act, disabled);
      Object.assign(made.dataset, { take: take.id, action });
      return made;
    };
    const choose = make("choose", () => this.choose(take, number), !take.audioUrl);
    choose.ariaPressed = String(Boolean(take.chosen));
    row.append(
      text,
      make("play", () => this.player.single(this.block, take), !take.audioUrl),
      choose,
      make("delete", () => this.remove(take, number)),
    );
    return row;
  }

  async refresh(block) {
    this.script.adopt(block, await request("GET", `${this.script.url}/blocks/${block.id}`));
    this.draw(block);
    this.price();
    if (this.block === block) await this.show(block);
  }

  async choose(take, number) {
    const { block } = this;
    if (take.chosen) return;
    await this.attempt(async () => {
      await request("PATCH", this.path(), { takeId: take.id });
      await this.refresh(block);
      this.tell(block, t("editor.take.is_chosen", { number }));
    });
  }

  async remove(take, number) {
    const { block } = this;
    if (!window.confirm(t("editor.take.delete.sure", { number }))) return;
    await this.attempt(async () => {
      await request("DELETE", `${this.script.url}/takes/${take.id}`, undefined, { missing: true });
      await this.refresh(block);
      this.tell(block, t("editor.take.is_deleted", { number }));
    });
  }

  // Say what became of a block, unless the user has chosen another one.
  tell(block, text) {
    if (this.block === block) this.state.textContent = text;
  }

  async record() {
    const { block } = this;
    if (this.recording.has(block)) return;
    this.recording.add(block);
    setBusy(this.again, true);
    await this.attempt(async () => {
      await this.script.save();
      if (!block.id || this.script.dirty.has(block)) return;
      let take = await request("POST", `${this.script.url}/blocks/${block.id}/takes`, {}, { key: randomKey() });
      this.tell(block, t("editor.preparing"));
      await this.refresh(block);
      while (!["completed", "failed", "cancelled"].includes(take.status)) {
        await wait(300);
        take = await request("GET", `${this.script.url}/takes/${take.id}`);
      }
      await this.refresh(block);
      const failed = t("editor.failed", { reason: take.error ?? "" });
      this.tell(block, take.status === "completed" ? t("editor.take.is_recorded", { number: block.takes }) : failed);
    });
    this.recording.delete(block);
    setBusy(this.again, this.recording.has(this.block));
  }
}

export class Delivery {
  constructor(page, script, helpers) {
    Object.assign(this, { script, ...helpers });
    this.card = page.querySelector("#files-card");
    this.form = page.querySelector("#delivery");
    this.submit = this.form.querySelector("[type=submit]");
    this.state = page.querySelector("#delivery-state");
    this.files = page.querySelector("#delivery-files");
    this.all = page.querySelector("#record-all");
    this.stop = page.querySelector("#record-stop");
    this.choice = page.querySelector("#stale-choice");
    this.card.addEventListener("toggle", () => this.card.open && this.follow());
    this.all.addEventListener("click", () => this.work(this.all, () => this.record()));
    this.stop.addEventListener("click", () => this.halt());
    const again = page.querySelector("#stale-again");
    again.addEventListener("click", () => this.work(again, () => this.recordStale()));
    const use = page.querySelector("#stale-use");
    use.addEventListener("click", () => this.work(use, () => this.make(true)));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.work(this.submit, () => this.make());
    });
  }

  async work(pressed, act) {
    if (isBusy(pressed)) return;
    setBusy(pressed, true);
    try {
      await this.script.save();
      await act();
    } catch (error) {
      this.state.textContent = error.message;
    }
    setBusy(pressed, false);
  }

  // Hide buttons that no longer apply. Their focus goes to another one.
  hide(element, next) {
    if (element.contains(document.activeElement)) next.focus();
    element.hidden = true;
  }

  // Record the blocks without a take that fits, and wait for the takes. Return true if all of them
  // were recorded.
  async record() {
    this.hide(this.choice, this.submit);
    const stopped = new Promise((done) => (this.halt = () => done(true)));
    setBusy(this.all, true);
    this.stop.hidden = false;
    try {
      return await this.recordUntil(stopped);
    } finally {
      setBusy(this.all, false);
      this.hide(this.stop, this.all);
      this.price();
    }
  }

  async recordUntil(stopped) {
    let isStopped = false;
    stopped.then(() => (isStopped = true));
    const missing = async () => (await request("GET", `${this.script.url}/script`)).unrecorded.blocks;
    let left = await this.script.reload(isRecording); // of an earlier press
    let ordered = left;
    const all = left + (await missing());
    const say = (name, done) => (this.state.textContent = t(name, { done: Math.max(done, 0).toLocaleString(), all: Math.max(all, ordered).toLocaleString() }));
    const refused = [];
    const bodies = [{}]; // of the next requests, the last one first
    while (!isStopped && (bodies.length || left)) {
      say("editor.recording.left", ordered - left);
      const made = bodies.length ? await this.order(bodies.at(-1)) : null;
      if (made) {
        const later = made.refused.filter((row) => row.errorCode === "rate_limited").map((row) => row.blockId);
        refused.push(...made.refused.filter((row) => !later.includes(row.blockId)));
        ordered += made.list.length;
        left += made.list.length;
        bodies.pop();
        if (made.nextCursor) bodies.push({ cursor: made.nextCursor });
        if (later.length) bodies.push({ blockIds: later });
        else if (bodies.length) continue;
      }
      await Promise.race([stopped, wait(Math.min(10_000, 500 + 5 * left))]);
      left = await this.script.reload(isRecording);
    }
    if (isStopped) {
      await request("DELETE", `${this.script.url}/takes`);
      await this.script.reload(isRecording);
      say("editor.recording.stopped", all - (await missing()));
      return false;
    }
    this.state.textContent = refused[0]?.error ?? t("editor.price.none");
    return !refused.length;
  }

  // Order takes. Return null if the key has as many unfinished tasks as it may have.
  async order(body) {
    let made;
    try {
      made = await request("POST", `${this.script.url}/takes`, body);
    } catch (error) {
      if (error.status === 429) return null;
      throw error;
    }
    const known = new Map(this.script.blocks.map((block) => [block.id, block]));
    for (const take of made.list) {
      const block = known.get(take.blockId);
      if (!block) continue;
      Object.assign(block, { state: "recording", recordingId: take.id });
      this.draw(block);
    }
    return made;
  }

  // Use the newest takes of sentences whose chosen take is stale, record where none fits, and make
  // a file.
  async recordStale() {
    for (const block of this.script.blocks.filter((each) => each.state === "stale" && each.takeId)) {
      this.script.adopt(block, await request("PATCH", `${this.script.url}/blocks/${block.id}`, { takeId: null }));
      this.draw(block);
    }
    if (await this.record()) await this.make();
  }

  // Return true if all sentences have a take. If some takes are stale, the user has the choice.
  isReady(withStale) {
    const spoken = this.script.blocks.filter((block) => block.kind !== "pause" && block.text?.trim());
    const wrong = spoken.filter((block) => !["ready", "silent"].includes(block.state));
    const stale = wrong.filter((block) => block.state === "stale");
    if (wrong.length > stale.length) throw new Error(t("editor.unrecorded", { number: wrong.length.toLocaleString() }));
    if (!stale.length || withStale) return true;
    this.state.textContent = t("editor.stale", { number: stale.length.toLocaleString() });
    this.choice.hidden = false;
    return false;
  }

  async make(withStale = false) {
    this.hide(this.choice, this.submit);
    if (!this.isReady(withStale)) return;
    const { format, words, loudness } = this.form.elements;
    const body = { format: format.value, allowStale: withStale };
    if (words.checked) body.subtitleType = "word";
    if (loudness.value) body.loudness = loudness.value;
    let render;
    try {
      render = await request("POST", `${this.script.url}/renders`, body, { key: randomKey() });
    } catch (error) {
      if (error.status !== 409) throw error;
      await this.script.reload(); // a dictionary or another page may have changed the script
      if (this.isReady(withStale)) throw error;
      return;
    }
    const { status, error } = await this.follow(render.id);
    if (status !== "completed") throw new Error(t("editor.failed", { reason: error ?? "" }));
    this.state.textContent = t("editor.rendered");
  }

  // List the newest files, and wait until `id` or the newest one is complete.
  async follow(id = null) {
    for (;;) {
      const { list } = await request("GET", `${this.script.url}/renders`);
      this.files.replaceChildren(...list.map((render) => this.row(render)));
      const awaited = id ? list.find((render) => render.id === id) : list[0];
      if (!awaited || ["completed", "failed", "cancelled"].includes(awaited.status)) return awaited ?? { status: "failed" };
      this.state.textContent = t("editor.rendering", { percent: awaited.progress ?? 0 });
      await wait(500);
    }
  }

  row(render) {
    const row = document.createElement("li");
    const name = document.createElement("span");
    const when = new Date(1000 * render.created).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
    name.textContent = render.status === "failed" ? `${when} · ${render.error ?? ""}` : when;
    row.append(name);
    for (const [text, link] of [[t("editor.download.audio"), render.audioUrl], ["SRT", render.subtitleFile], ["VTT", render.subtitleVtt], ["JSON", render.subtitleJson]]) {
      if (!link) continue;
      const a = document.createElement("a");
      a.href = new URL(link).pathname + new URL(link).search;
      a.download = "";
      a.textContent = text;
      row.append(a);
    }
    return row;
  }
}
