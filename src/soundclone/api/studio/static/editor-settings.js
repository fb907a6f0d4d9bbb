// The chosen sentences, and the form with their settings.

import { request } from "./editor-requests.js";
import { t } from "./i18n.js";

export const STYLE = ["modelId", "language", "emotion", "speed", "pitch"];
const NUMBERS = new Set(["speed", "pitch"]);

export function styleOf(block) {
  return Object.fromEntries(STYLE.map((name) => [name, block[name]]));
}

export class Settings {
  constructor(page, script, helpers) {
    Object.assign(this, { script, ...helpers, anchor: null, current: null, project: null });
    this.form = page.querySelector("#settings");
    this.scope = page.querySelector("#scope");
    this.selected = page.querySelector("#selected");
    this.form.addEventListener("change", ({ target }) => this.change(target));
    this.form.addEventListener("submit", (event) => event.preventDefault());
    script.addEventListener("turned", () => this.fill());
  }

  nameOf(name, value) {
    return [...this.form.elements[name].options].find((option) => option.value === value)?.text ?? value;
  }

  // Choose a block, or extend the choice to it.
  select(block, extend = false) {
    if (!extend) this.anchor = block;
    this.current = block;
    const blocks = this.chosen();
    this.rows.choose(blocks);
    this.selected.textContent = blocks.length > 1 ? t("editor.selected", { number: blocks.length }) : "";
    this.fill();
    this.takes.show(blocks.length === 1 ? block : null);
  }

  chosen() {
    const { anchor, current } = this;
    if (!current || current.gone) return [];
    const { blocks } = this.script;
    const from = blocks.indexOf(anchor ?? current);
    const to = blocks.indexOf(current);
    return from < 0 ? [current] : blocks.slice(Math.min(from, to), Math.max(from, to) + 1);
  }
  spoken() {
    return this.chosen().filter((block) => block.kind !== "pause");
  }

  get isOfScript() {
    return this.scope.value === "script";
  }

  // Show the settings that all chosen sentences have.
  fill() {
    const sources = this.isOfScript ? [this.project ?? {}] : this.spoken();
    for (const name of STYLE) {
      const values = new Set(sources.map((source) => source[name] ?? ""));
      const field = this.form.elements[name];
      field.value = values.size === 1 ? [...values][0] : "";
      field.disabled = !sources.length;
    }
  }

  async change(target) {
    if (target === this.scope) return this.fill();
    const { name, value } = target;
    if (!target.checkValidity()) return target.reportValidity();
    const values = { [name]: value === "" ? null : NUMBERS.has(name) ? Number(value) : value };
    if (!this.isOfScript) {
      if (this.spoken().length) this.script.set(this.spoken(), values);
      return;
    }
    try {
      await this.script.save();
      this.project = await request("PATCH", `${this.script.url}/script`, values);
      await this.script.reload();
      await this.price();
      this.say("");
    } catch (error) {
      this.say(error.message);
    }
  }
}
