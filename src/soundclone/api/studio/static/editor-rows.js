// The rows of the script: an element for each block, and the caret in them. Rows are in groups, and
// the browser neither styles nor places those of groups far from the window, but finds their words.

import { t } from "./i18n.js";

const COLOURS = 6; // of voices
const GROUP = 50; // rows of a group
const SHOWN = new Set(["unrecorded", "stale", "recording", "failed", "ready"]); // states

export class Rows {
  constructor(list, script, voices, nameOf) {
    Object.assign(this, { list, script, nameOf, elements: new Map(), owners: new WeakMap(), chosen: [] });
    this.voices = new Map(voices.map((voice, place) => [voice.id, { ...voice, colour: place % COLOURS }]));
    script.addEventListener("page", ({ detail }) => this.append(detail));
    script.addEventListener("inserted", ({ detail: block }) => {
      this.insert(this.of(block) ?? this.make(block), this.of(script.before(block)));
      this.draw(block);
    });
    script.addEventListener("removed", ({ detail }) => this.remove(this.of(detail)));
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

  append(blocks) {
    for (const block of blocks) {
      const last = this.list.lastElementChild;
      const group = last && last.childElementCount < GROUP ? last : this.list.appendChild(newGroup());
      group.append(this.make(block));
    }
  }

  insert(row, previous) {
    const group = previous?.parentElement ?? this.list.firstElementChild ?? this.list.appendChild(newGroup());
    previous ? previous.after(row) : group.prepend(row);
    if (group.childElementCount <= 2 * GROUP) return;
    const rest = [...group.children].slice(GROUP);
    if (rest.some((each) => each.contains(document.activeElement))) return; // a row that moves loses the caret
    const following = newGroup();
    following.append(...rest);
    group.after(following);
  }

  remove(row) {
    const group = row?.parentElement;
    row?.remove();
    if (group && !group.childElementCount) group.remove();
  }

  make(block) {
    const row = template(block.kind).cloneNode(true);
    this.owners.set(row, block);
    this.elements.set(block.key, row);
    const flag = row.querySelector(".flag");
    if (flag) {
      flag.id = `state-${block.key}`;
      row.querySelector(".words").setAttribute("aria-describedby", flag.id);
    }
    this.draw(block);
    return row;
  }

  draw(block) {
    const row = this.of(block);
    if (!row) return;
    if (block.kind === "pause") {
      const input = row.querySelector("input");
      // Somebody may be typing, so only a change of the block replaces the text.
      const length = String(block.seconds ?? "");
      if (row.dataset.length !== length) input.value = row.dataset.length = length;
      return;
    }
    const words = row.querySelector(".words");
    if (words.textContent !== (block.text ?? "")) words.textContent = block.text ?? "";
    const voice = this.voices.get(block.modelId);
    const who = row.querySelector(".who");
    const notes = [block.modelId && (voice?.name ?? t("editor.voice.unknown")), block.emotion && this.nameOf("emotion", block.emotion), block.language && this.nameOf("language", block.language), block.speed && t("speed", { value: block.speed }), block.pitch && t("pitch", { value: block.pitch > 0 ? `+${block.pitch}` : block.pitch })];
    who.textContent = notes.filter(Boolean).join(" · ");
    who.className = voice ? `who voice-${voice.colour}` : "who";
    const isEdited = this.script.dirty.has(block) && block.saved?.text !== block.text;
    const state = isEdited && block.state === "ready" ? "stale" : block.state;
    if (row.dataset.state === state) return;
    row.dataset.state = state;
    const flag = row.querySelector(".flag");
    flag.hidden = !SHOWN.has(state);
    flag.title = flag.ariaLabel = flag.hidden ? "" : t(`editor.state.${state}`);
  }

  // Mark the rows of the chosen blocks.
  choose(blocks) {
    for (const row of this.chosen) row.classList.remove("chosen");
    this.chosen = blocks.map((block) => this.of(block)).filter(Boolean);
    for (const row of this.chosen) row.classList.add("chosen");
  }

  // Place the caret in the text of a block.
  place(block, offset = 0) {
    const row = this.of(block);
    const field = row?.querySelector(".words, input");
    if (!field) return;
    field.focus();
    if (field.matches("input")) return field.select(); // so that a typed length replaces the present one
    const text = field.firstChild;
    const range = document.createRange();
    if (text) range.setStart(text, Math.max(0, Math.min(offset, text.length)));
    else range.setStart(field, 0);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    row.scrollIntoView({ block: "nearest" });
  }
}

function newGroup() {
  const group = document.createElement("div");
  group.className = "lines";
  return group;
}

const templates = new Map();

// A row of a kind of block, without its values. To copy a row is faster than to make one.
function template(kind) {
  if (!templates.has(kind)) {
    const row = document.createElement("div");
    row.className = `line ${kind}`;
    row.append(...(kind === "pause" ? pauseParts() : textParts(kind)));
    templates.set(kind, row);
  }
  return templates.get(kind);
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

function textParts(kind) {
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
  words.setAttribute("aria-label", t(kind === "chapter" ? "editor.chapter" : "editor.sentence"));
  words.dir = "auto";
  const flag = document.createElement("span");
  flag.className = "flag";
  flag.setAttribute("role", "img"); // a mark in the margin
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
