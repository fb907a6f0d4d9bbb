// The page of a project: the script, the settings of sentences, and saving.

import { request } from "./editor-requests.js";
import { Script } from "./editor-script.js";
import { Player } from "./editor-player.js";
import { Delivery, Takes } from "./editor-takes.js";
import { t } from "./i18n.js";

const page = document.getElementById("editor");
const url = page.dataset.project;
const list = document.getElementById("script");
const settings = document.getElementById("settings");
const scope = document.getElementById("scope");
const script = new Script(url, page.dataset.draft);
const voices = new Map(JSON.parse(document.getElementById("voices").textContent).map((voice, place) => [voice.id, { ...voice, colour: place % 6 }]));
const elements = new Map(); // of blocks, by key
const owners = new WeakMap(); // blocks of elements
const $ = (selector) => page.querySelector(selector);
let project = null;
let anchor = null;
let current = null;

// Rows

function rowOf(block) {
  const row = document.createElement("div");
  row.className = `line ${block.kind}`;
  owners.set(row, block);
  elements.set(block.key, row);
  if (block.kind === "pause") {
    const label = document.createElement("label");
    const name = document.createElement("span");
    name.textContent = t("editor.pause");
    const seconds = document.createElement("input");
    Object.assign(seconds, { type: "number", min: 0.01, max: 99.99, step: 0.01, className: "tiny" });
    label.append(name, seconds);
    const bin = document.createElement("button");
    Object.assign(bin, { type: "button", className: "tool", textContent: "×", ariaLabel: t("editor.pause.remove") });
    bin.dataset.remove = "";
    row.append(label, bin);
  } else {
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
    row.append(head, words, flag);
  }
  draw(block, row);
  return row;
}

function draw(block, row = elements.get(block.key)) {
  if (!row) return;
  if (block.kind === "pause") {
    const input = row.querySelector("input");
    if (Number(input.value) !== block.seconds) input.value = block.seconds ?? "";
    return;
  }
  const words = row.querySelector(".words");
  if (words.textContent !== (block.text ?? "")) words.textContent = block.text ?? "";
  const voice = voices.get(block.modelId);
  const who = row.querySelector(".who");
  const notes = [block.modelId && (voice?.name ?? t("editor.voice.unknown")), block.emotion && optionText("emotion", block.emotion), block.language && optionText("language", block.language)].filter(Boolean);
  who.textContent = notes.join(" · ");
  who.className = voice ? `who voice-${voice.colour}` : "who";
  const state = script.dirty.has(block) && block.state === "ready" && block.saved?.text !== block.text ? "stale" : block.state;
  row.querySelector(".flag").textContent = ["stale", "recording", "failed", "ready"].includes(state) ? t(`editor.state.${state}`) : "";
  row.dataset.state = state;
}

function optionText(name, value) {
  return [...settings.elements[name].options].find((option) => option.value === value)?.text ?? value;
}

// The caret

function caret() {
  const selection = getSelection();
  if (!selection.rangeCount) return null;
  const range = selection.getRangeAt(0);
  const words = (range.startContainer.nodeType === 1 ? range.startContainer : range.startContainer.parentElement)?.closest(".words");
  if (!words) return null;
  const before = document.createRange();
  before.selectNodeContents(words);
  before.setEnd(range.startContainer, range.startOffset);
  return { words, range, start: before.toString().length, end: before.toString().length + range.toString().length };
}

function place(block, offset = 0) {
  const row = elements.get(block?.key);
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

// Selection of sentences

function chosen() {
  if (!current || current.gone) return [];
  const from = script.blocks.indexOf(anchor ?? current);
  const to = script.blocks.indexOf(current);
  return from < 0 ? [current] : script.blocks.slice(Math.min(from, to), Math.max(from, to) + 1);
}

function select(block, extend = false) {
  const marked = list.querySelectorAll(".chosen");
  for (const row of marked) row.classList.remove("chosen");
  if (!extend) anchor = block;
  current = block;
  const blocks = chosen();
  for (const each of blocks) elements.get(each.key)?.classList.add("chosen");
  $("#selected").textContent = blocks.length > 1 ? t("editor.selected", { number: blocks.length }) : "";
  fill();
  takes.show(blocks.length === 1 ? block : null);
}

function spoken() {
  return chosen().filter((block) => block.kind !== "pause");
}

function fill() {
  const sources = scope.value === "script" ? [project ?? {}] : spoken();
  for (const name of ["modelId", "language", "emotion", "speed", "pitch"]) {
    const values = new Set(sources.map((source) => source[name] ?? ""));
    settings.elements[name].value = values.size === 1 ? [...values][0] : "";
    settings.elements[name].disabled = !sources.length;
  }
}

settings.addEventListener("change", async ({ target }) => {
  if (target === scope) return fill();
  const { name, value } = target;
  if (!target.checkValidity()) return target.reportValidity();
  const values = { [name]: value === "" ? null : ["speed", "pitch"].includes(name) ? Number(value) : value };
  if (scope.value === "script") {
    try {
      await script.save();
      project = await request("PATCH", `${url}/script`, values);
      await script.reload();
      await price();
      say("");
    } catch (error) {
      say(error.message);
    }
  } else if (spoken().length) {
    script.set(spoken(), values);
  }
});
settings.addEventListener("submit", (event) => event.preventDefault());

// Keys

list.addEventListener("focusin", ({ target }) => {
  const block = owners.get(target.closest(".line"));
  if (block && block !== current) select(block);
});
list.addEventListener("mousedown", (event) => {
  const block = owners.get(event.target.closest(".line"));
  if (!block) return;
  if (event.shiftKey && current && block !== current) {
    event.preventDefault();
    select(block, true);
  } else if (block === current && anchor !== current) {
    select(block);
  }
});
list.addEventListener("click", ({ target }) => {
  if (target.dataset.remove === undefined) return;
  remove([owners.get(target.closest(".line"))]);
});
list.addEventListener("input", ({ target }) => {
  const row = target.closest(".line");
  const block = owners.get(row);
  if (block.kind !== "pause") {
    script.type(block, target.textContent);
    if (anchor !== current) select(block);
  }
});
list.addEventListener("change", ({ target }) => {
  const block = owners.get(target.closest(".line"));
  if (block?.kind === "pause") {
    if (target.checkValidity() && target.value) script.set([block], { seconds: Number(target.value) });
    else target.reportValidity();
  }
});
list.addEventListener("paste", (event) => {
  const at = caret();
  if (!at) return;
  event.preventDefault();
  const lines = event.clipboardData.getData("text/plain").split(/\s*\n\s*/).filter(Boolean);
  if (!lines.length) return;
  const block = owners.get(at.words.closest(".line"));
  const head = block.text.slice(0, at.start);
  const tail = block.text.slice(at.end);
  const rest = lines.slice(1).map((line) => script.make({ ...styleOf(block), text: line }));
  const last = rest.at(-1);
  const offset = (last ?? { text: head + lines[0] }).text.length;
  if (last) last.text += tail;
  const text = head + lines[0] + (last ? "" : tail);
  const steps = [{ block, before: { text: block.text }, after: { text } }];
  let previous = block;
  for (const each of rest) {
    steps.push({ insert: true, block: each, previous });
    previous = each;
  }
  script.run(steps, block);
  place(previous, offset);
});

function styleOf({ modelId, language, emotion, speed, pitch }) {
  return { modelId, language, emotion, speed, pitch };
}

function remove(blocks) {
  if (!blocks.length) return;
  const next = script.before(blocks[0]) ?? script.after(blocks.at(-1));
  script.run(blocks.map((block) => ({ remove: true, block })), blocks[0]);
  if (!script.blocks.length) script.run([{ insert: true, block: script.make() }]);
  place(next ?? script.blocks[0], Infinity);
}

list.addEventListener("keydown", (event) => {
  const { key, shiftKey, isComposing } = event;
  if (isComposing) return;
  const block = owners.get(event.target.closest(".line"));
  if (!block) return;
  const several = chosen();
  if (several.length > 1 && (key === "Backspace" || key === "Delete")) {
    event.preventDefault();
    return remove(several);
  }
  const at = caret();
  const previous = script.before(block);
  const next = script.after(block);
  if (block.kind === "pause" || !at) {
    if (key === "ArrowUp" && !event.altKey && previous) event.preventDefault(), place(previous, Infinity);
    if (key === "ArrowDown" && !event.altKey && next) event.preventDefault(), place(next, 0);
    return;
  }
  const atStart = at.end === 0;
  const atEnd = at.start === (block.text ?? "").length;
  if (key === "Enter" && !(block.textFormat === "ssml")) {
    event.preventDefault();
    const made = script.make({ ...styleOf(block), text: block.text.slice(at.end) });
    script.run([{ block, before: { text: block.text }, after: { text: block.text.slice(0, at.start) } }, { insert: true, block: made, previous: block }], block);
    place(made, 0);
  } else if (key === "Backspace" && atStart && previous) {
    event.preventDefault();
    if (previous.kind === "pause") {
      script.run([{ remove: true, block: previous }], block);
    } else if (previous.textFormat !== "ssml" && block.textFormat !== "ssml") {
      const joint = previous.text.length;
      script.run([{ remove: true, block }, { block: previous, before: { text: previous.text }, after: { text: previous.text + block.text } }], previous);
      place(previous, joint);
    }
  } else if (shiftKey && (key === "ArrowUp" || key === "ArrowDown")) {
    const other = key === "ArrowUp" ? script.before(current) : script.after(current);
    if (other && (several.length > 1 || (key === "ArrowUp" ? atFirstLine(at) : atLastLine(at)))) {
      event.preventDefault();
      select(other, true);
      elements.get(other.key).scrollIntoView({ block: "nearest" });
    }
  } else if (!shiftKey && previous && ((key === "ArrowLeft" && atStart) || (key === "ArrowUp" && atFirstLine(at)))) {
    event.preventDefault();
    place(previous, key === "ArrowUp" ? at.start : Infinity);
  } else if (!shiftKey && next && ((key === "ArrowRight" && atEnd) || (key === "ArrowDown" && atLastLine(at)))) {
    event.preventDefault();
    place(next, key === "ArrowDown" ? at.start : 0);
  }
});

function atFirstLine({ words, range }) {
  const now = range.getBoundingClientRect();
  return !now.height || now.top - words.getBoundingClientRect().top < now.height;
}
function atLastLine({ words, range }) {
  const now = range.getBoundingClientRect();
  return !now.height || words.getBoundingClientRect().bottom - now.bottom < now.height;
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !event.target.closest("form")) {
    event.preventDefault();
    event.shiftKey ? script.redo() : script.undo();
  } else if (event.key === "Escape") {
    player.stop();
  } else if (event.key === " " && player.active && !event.target.closest("input, select, button, .words, summary")) {
    event.preventDefault();
    player.stop();
  }
});
list.addEventListener("beforeinput", (event) => {
  if (!event.inputType.startsWith("history")) return;
  event.preventDefault();
  event.inputType === "historyRedo" ? script.redo() : script.undo();
});

for (const button of page.querySelectorAll("[data-insert]")) {
  button.addEventListener("click", () => {
    const { insert } = button.dataset;
    const previous = current ?? script.blocks.at(-1);
    const made = script.make(insert === "pause" ? { kind: "pause", seconds: 1, text: null } : { kind: insert, text: "" });
    script.run([{ insert: true, block: made, previous }], made);
    place(made);
  });
}
$("#undo").addEventListener("click", () => script.undo());
$("#redo").addEventListener("click", () => script.redo());

// Events of the script

function say(text) {
  $("#notice").textContent = text;
}

script.addEventListener("page", ({ detail }) => list.append(...detail.map((block) => rowOf(block))));
script.addEventListener("inserted", ({ detail: block }) => {
  const row = elements.get(block.key) ?? rowOf(block);
  const next = script.after(block);
  list.insertBefore(row, next ? elements.get(next.key) : null);
  draw(block, row);
});
script.addEventListener("removed", ({ detail }) => elements.get(detail.key)?.remove());
script.addEventListener("changed", ({ detail }) => draw(detail));
script.addEventListener("turned", ({ detail }) => {
  if (detail && !detail.gone) place(detail, Infinity);
  fill();
});
script.addEventListener("overtaken", () => say(t("editor.overtaken")));
script.addEventListener("recovered", () => say(t("editor.recovered")));
script.addEventListener("state", ({ detail }) => draw(detail));
script.addEventListener("saving", () => {
  const { trouble, dirty } = script;
  const saved = $("#saved");
  const text = trouble ? t("editor.unsaved", { reason: trouble.message }) : t(dirty.size ? "editor.saving" : "editor.saved");
  if (saved.textContent !== text) saved.textContent = text;
  saved.classList.toggle("bad", Boolean(trouble));
  $("#sign-in").hidden = trouble?.status !== 401;
  if (trouble?.location) $("#sign-in").href = trouble.location;
  $("#undo").disabled = !script.done.length;
  $("#redo").disabled = !script.undone.length;
  if (!dirty.size && !trouble) {
    clearTimeout(script.pricing);
    script.pricing = setTimeout(price, 1500);
  }
});

// The price of what is left to record

async function price() {
  try {
    project = await request("GET", `${url}/script`);
  } catch {
    return;
  }
  const { blocks, cost } = project.unrecorded;
  $("#price").textContent = blocks ? t("editor.price", { blocks: blocks.toLocaleString(), cost: cost.toLocaleString() }) : t("editor.price.none");
  if (scope.value === "script") fill();
}

const player = new Player(page, script, { say, draw, price, rowOf: (block) => elements.get(block.key), from: () => chosen()[0] ?? script.blocks[0] });
const takes = new Takes(page, script, { say, draw, price, player });
new Delivery(page, script, { price });
if (matchMedia("(min-width: 1041px)").matches) $("#settings-card").open = true;

addEventListener("beforeunload", (event) => {
  if (script.dirty.size) event.preventDefault();
});

try {
  await Promise.all([script.load(), price()]);
  if (!script.blocks.length) {
    const first = script.make();
    script.blocks.push(first);
    list.append(rowOf(first));
  }
  script.tell("saving");
  list.ariaBusy = "false";
} catch (error) {
  say(error.message);
}
