// The takes of a block, and the files of a project.

import { request } from "./editor-requests.js";
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
      button(named("play"), () => this.player.single(take.audioUrl), !take.audioUrl),
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
      const key = [...crypto.getRandomValues(new Uint32Array(4))].join("-");
      let take = await request("POST", `${this.script.url}/blocks/${block.id}/takes`, {}, { key });
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
  constructor(page, script, { say }) {
    Object.assign(this, { script, say });
    this.form = page.querySelector("#delivery");
    this.state = page.querySelector("#delivery-state");
    this.files = page.querySelector("#delivery-files");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.make();
    });
  }

  async make() {
    const submit = this.form.querySelector("button");
    submit.disabled = true;
    this.files.replaceChildren();
    this.state.textContent = t("editor.rendering", { percent: 0 });
    try {
      await this.script.save();
      const body = { format: this.form.elements.format.value };
      if (this.form.elements.words.checked) body.subtitleType = "word";
      let render = await request("POST", `${this.script.url}/renders`, body);
      while (!["completed", "failed", "cancelled"].includes(render.status)) {
        await wait(500);
        render = await request("GET", `${this.script.url}/renders/${render.id}`);
        this.state.textContent = t("editor.rendering", { percent: render.progress ?? 0 });
      }
      if (render.status !== "completed") throw new Error(t("editor.failed", { reason: render.error ?? "" }));
      this.state.textContent = t("editor.rendered");
      for (const [name, link] of [["audio", render.audioUrl], ["SRT", render.subtitleFile], ["VTT", render.subtitleVtt], ["JSON", render.subtitleJson]]) {
        if (!link) continue;
        const row = document.createElement("li");
        const a = document.createElement("a");
        a.href = new URL(link).pathname + new URL(link).search;
        a.download = "";
        a.textContent = name === "audio" ? t("editor.download.audio") : t("editor.download.subtitles", { format: name });
        row.append(a);
        this.files.append(row);
      }
    } catch (error) {
      this.state.textContent = error.message;
    }
    submit.disabled = false;
  }
}
