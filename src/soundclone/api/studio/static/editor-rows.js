// The rows of the script: an element for each block, and the caret in them.

import { t } from "./i18n.js";

const COLOURS = 6; // of voices
const SHOWN = new Set(["stale", "recording", "failed", "ready"]); // states

export class Rows {
  constructor(list, script, voices, nameOf) {
    Object.assign(this, { list, script, nameOf, elements: new Map(), owners: new WeakMap() });
    this.voices = new Map(voices.map((voice, place) => [voice.id, { ...voice, colour: place % COLOURS }]));
    script.addEventListener("page", ({ detail }) => list.append(...detail.map((block) => this.make(block))));
    script.addEventListener("inserted", ({ detail: block }) => {
      const row = this.of(block) ?? this.make(block);
      const next = script.after(block);
      list.insertBefore(row, next ? this.of(next) : null);
      this.draw(block);
    });
    script.addEventListener("removed", ({ detail }) => this.of(detail)?.remove());
    script.addEventListener("changed", ({ detail }) => this.draw(detail));
    script.addEventListener("state", ({ detail }) => this.draw(detail));
  }

  of(block) {
    return this.elements.get(block?.key);
  }
  // The block in whose row an element is.
  blockOf(element) {
    return this.owners.get(element.closest(".line"));
  }

  make(block) {
    const row = document.createElement("div");
    row.className = `line ${block.kind}`;
    this.owners.set(row, block);
    this.elements.set(block.key, row);
    row.append(...(block.kind === "pause" ? pauseParts() : textParts(block)));
    this.draw(block);
    return row;
  }

  draw(block) {
    const row = this.of(block);
    if (!row) return;
    if (block.kind === "pause") {
      const input = row.querySelector("input");
      if (Number(input.value) !== block.seconds) input.value = block.seconds ?? "";
      return;
    }
    const words = row.querySelector(".words");
    if (words.textContent !== (block.text ?? "")) words.textContent = block.text ?? "";
    const voice = this.voices.get(block.modelId);
    const who = row.querySelector(".who");
    const notes = [block.modelId && (voice?.name ?? t("editor.voice.unknown")), block.emotion && this.nameOf("emotion", block.emotion), block.language && this.nameOf("language", block.language)];
    who.textContent = notes.filter(Boolean).join(" · ");
    who.className = voice ? `who voice-${voice.colour}` : "who";
    const isEdited = this.script.dirty.has(block) && block.saved?.text !== block.text;
    const state = isEdited && block.state === "ready" ? "stale" : block.state;
    row.querySelector(".flag").textContent = SHOWN.has(state) ? t(`editor.state.${state}`) : "";
    row.dataset.state = state;
  }

  // Mark the rows of the chosen blocks.
  choose(blocks) {
    for (const row of this.list.querySelectorAll(".chosen")) row.classList.remove("chosen");
    for (const block of blocks) this.of(block)?.classList.add("chosen");
  }

  // Place the caret in the text of a block.
  place(block, offset = 0) {
    const row = this.of(block);
    const field = row?.querySelector(".words, input");
    if (!field) return;
    field.focus();
    if (field.matches("input")) return;
    const text = field.firstChild;
    const range = document.createRange();
    if (text) range.setStart(text, Math.max(0, Math.min(offset, text.length)));
    else range.setStart(field, 0);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    row.scrollIntoView({ block: "nearest" });
  }
}

function pauseParts() {
  const label = document.createElement("label");
  const name = document.createElement("span");
  name.textContent = t("editor.pause");
  const seconds = document.createElement("input");
  Object.assign(seconds, { type: "number", min: 0.01, max: 99.99, step: 0.01, className: "tiny" });
  label.append(name, seconds);
  const bin = document.createElement("button");
  Object.assign(bin, { type: "button", className: "tool", textContent: "×", ariaLabel: t("editor.pause.remove") });
  bin.dataset.remove = "";
  return [label, bin];
}

function textParts(block) {
  const head = document.createElement("span");
  head.className = "who";
  const words = document.createElement("div");
  words.className = "words";
  try {
    words.contentEditable = "plaintext-only";
  } catch {
    words.contentEditable = "true";
  }
  words.setAttribute("role", "textbox");
  words.setAttribute("aria-multiline", "true");
  words.setAttribute("aria-label", t(block.kind === "chapter" ? "editor.chapter" : "editor.sentence"));
  words.dir = "auto";
  words.textContent = block.text ?? "";
  const flag = document.createElement("span");
  flag.className = "flag";
  return [head, words, flag];
}

// The caret in the text of a row, null if it is elsewhere. Its places count from the text's start.
export function caret() {
  const selection = getSelection();
  if (!selection.rangeCount) return null;
  const range = selection.getRangeAt(0);
  const { startContainer: node } = range;
  const words = (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement)?.closest(".words");
  if (!words) return null;
  const before = document.createRange();
  before.selectNodeContents(words);
  before.setEnd(node, range.startOffset);
  const start = before.toString().length;
  return { words, range, start, end: start + range.toString().length };
}

export function atFirstLine({ words, range }) {
  const now = range.getBoundingClientRect();
  return !now.height || now.top - words.getBoundingClientRect().top < now.height;
}
export function atLastLine({ words, range }) {
  const now = range.getBoundingClientRect();
  return !now.height || words.getBoundingClientRect().bottom - now.bottom < now.height;
}
