// The takes of a block, and the files of a project.

import { randomKey, request } from "./editor-requests.js";
import { t } from "./i18n.js";

function button(text, act, disabled = false) {
  const made = document.createElement("button");
  Object.assign(made, { type: "button", className: "button quiet small", textContent: text, disabled });
  made.addEventListener("click", act);
  return made;
}

const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

export class Takes {
  constructor(page, script, helpers) {
    Object.assign(this, { script, ...helpers, block: null });
    this.card = page.querySelector("#takes-card");
    this.rows = page.querySelector("#takes");
    this.again = page.querySelector("#record-again");
    this.again.addEventListener("click", () => this.record());
    this.card.addEventListener("toggle", () => this.show(this.block));
  }

  async show(block) {
    this.block = block?.kind === "pause" ? null : block;
    this.again.disabled = !this.block;
    if (!this.card.open) return;
    if (!this.block?.id) return this.rows.replaceChildren();
    const { list } = await this.attempt(() => request("GET", `${this.path()}/takes`)) ?? { list: [] };
    if (this.block !== block) return;
    this.rows.replaceChildren(...list.map((take, place) => this.row(take, list.length - place)));
  }

  path() {
    return `${this.script.url}/blocks/${this.block.id}`;
  }

  async attempt(work) {
    try {
      return await work();
    } catch (error) {
      this.say(error.message);
      return null;
    }
  }

  row(take, number) {
    const row = document.createElement("li");
    const text = document.createElement("span");
    const notes = [t("editor.take.number", { number }), take.chosen && t("editor.take.chosen"), take.stale && t("editor.state.stale"), take.status === "failed" && t("editor.state.failed"), !take.audioUrl && take.status !== "failed" && t("editor.state.recording")];
    text.textContent = notes.filter(Boolean).join(" · ");
    const named = (action) => t(`editor.take.${action}`, { number });
    row.append(
      text,
      button(named("play"), () => this.player.single(this.block, take), !take.audioUrl),
      button(named("choose"), () => this.choose(take), take.chosen || !take.audioUrl),
      button(named("delete"), () => this.remove(take)),
    );
    return row;
  }

  async refresh(block) {
    this.script.adopt(block, await request("GET", `${this.script.url}/blocks/${block.id}`));
    this.draw(block);
    this.price();
    if (this.block === block) await this.show(block);
  }

  async choose(take) {
    const { block } = this;
    await this.attempt(async () => {
      await request("PATCH", this.path(), { takeId: take.id });
      await this.refresh(block);
    });
  }

  async remove(take) {
    const { block } = this;
    await this.attempt(async () => {
      await request("DELETE", `${this.script.url}/takes/${take.id}`, undefined, { missing: true });
      await this.refresh(block);
    });
  }

  async record() {
    const { block } = this;
    this.again.disabled = true;
    await this.attempt(async () => {
      await this.script.save();
      if (!block.id || this.script.dirty.has(block)) return;
      let take = await request("POST", `${this.script.url}/blocks/${block.id}/takes`, {}, { key: randomKey() });
      await this.refresh(block);
      while (!["completed", "failed", "cancelled"].includes(take.status)) {
        await wait(300);
        take = await request("GET", `${this.script.url}/takes/${take.id}`);
      }
      await this.refresh(block);
    });
    this.again.disabled = !this.block;
  }
}

export class Delivery {
  constructor(page, script, helpers) {
    Object.assign(this, { script, ...helpers });
    this.card = page.querySelector("#files-card");
    this.form = page.querySelector("#delivery");
    this.state = page.querySelector("#delivery-state");
    this.files = page.querySelector("#delivery-files");
    this.all = page.querySelector("#record-all");
    this.card.addEventListener("toggle", () => this.card.open && this.follow());
    this.all.addEventListener("click", () => this.work(this.all, () => this.record()));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.work(this.form.querySelector("[type=submit]"), () => this.make());
    });
  }

  async work(pressed, act) {
    pressed.disabled = true;
    try {
      await this.script.save();
      await act();
    } catch (error) {
      this.state.textContent = error.message;
    }
    pressed.disabled = false;
  }

  // Record the blocks without a take that fits, and wait for the takes.
  async record() {
    const refused = [];
    const known = new Map(this.script.blocks.map((block) => [block.id, block]));
    let cursor = null;
    let number = 0;
    do {
      const made = await request("POST", `${this.script.url}/takes`, cursor ? { cursor } : {});
      refused.push(...made.refused);
      for (const take of made.list) {
        const block = known.get(take.blockId);
        if (!block) continue;
        Object.assign(block, { state: "recording", recordingId: take.id });
        this.draw(block);
      }
      number += made.list.length;
      this.state.textContent = t("editor.recording.left", { number: number.toLocaleString() });
      cursor = made.nextCursor;
    } while (cursor);
    for (;;) {
      const left = await this.script.reload();
      this.state.textContent = left ? t("editor.recording.left", { number: left.toLocaleString() }) : (refused[0]?.error ?? t("editor.price.none"));
      if (!left) break;
      await wait(Math.min(10_000, 500 + 5 * left));
    }
    this.price();
  }

  async make() {
    const missing = this.script.blocks.filter((block) => block.kind !== "pause" && block.text?.trim() && !["ready", "silent"].includes(block.state));
    if (missing.length) throw new Error(t("editor.unrecorded", { number: missing.length.toLocaleString() }));
    const { format, words, loudness } = this.form.elements;
    const body = { format: format.value };
    if (words.checked) body.subtitleType = "word";
    if (loudness.value) body.loudness = loudness.value;
    const render = await request("POST", `${this.script.url}/renders`, body, { key: randomKey() });
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
