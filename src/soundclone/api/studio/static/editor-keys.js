// What keys and the pointer do in the script: writing, splitting, joining, moving and choosing.

import { atFirstLine, atLastLine, caret } from "./editor-rows.js";
import { styleOf } from "./editor-settings.js";

export class Keys {
  constructor(list, script, helpers) {
    Object.assign(this, { list, script, ...helpers });
    const { rows, settings } = this;
    list.addEventListener("focusin", ({ target, relatedTarget }) => {
      const block = rows.blockOf(target);
      const isEntered = this.tabbed && !list.contains(relatedTarget);
      if (isEntered && settings.chosen().length && block !== settings.current) return rows.place(settings.current, Infinity);
      if (block && block !== settings.current) settings.select(block);
    });
    list.addEventListener("mousedown", (event) => this.press(event));
    list.addEventListener("click", ({ target }) => {
      if (target.dataset.remove !== undefined) this.remove([rows.blockOf(target)]);
    });
    list.addEventListener("input", ({ target }) => {
      const block = rows.blockOf(target);
      if (block.kind === "pause") return;
      script.type(block, target.textContent);
      if (settings.anchor !== settings.current) settings.select(block);
    });
    list.addEventListener("change", ({ target }) => {
      const block = rows.blockOf(target);
      if (block?.kind !== "pause") return;
      if (target.checkValidity() && target.value) script.set([block], { seconds: Number(target.value) });
      else target.reportValidity();
    });
    list.addEventListener("paste", (event) => this.paste(event));
    list.addEventListener("keydown", (event) => this.key(event));
    list.addEventListener("beforeinput", (event) => {
      if (!event.inputType.startsWith("history")) return;
      event.preventDefault();
      event.inputType === "historyRedo" ? script.redo() : script.undo();
    });
    document.addEventListener("keydown", (event) => this.keyOfPage(event));
    document.addEventListener("keydown", ({ key }) => (this.tabbed = key === "Tab"), true);
    document.addEventListener("pointerdown", () => (this.tabbed = false), true);
  }

  press(event) {
    const { settings } = this;
    const block = this.rows.blockOf(event.target);
    if (!block) return;
    if (event.shiftKey && settings.current && block !== settings.current) {
      event.preventDefault();
      settings.select(block, true);
    } else if (block === settings.current && settings.anchor !== block) {
      settings.select(block);
    }
  }

  // Insert a new block behind the present one.
  insert(kind) {
    const previous = this.settings.current ?? this.script.blocks.at(-1);
    const made = this.script.make(kind === "pause" ? { kind, seconds: 1 } : { kind });
    this.script.run([{ insert: true, block: made, previous }], made);
    this.rows.place(made);
  }

  remove(blocks) {
    const { script } = this;
    if (!blocks.length) return;
    const next = script.before(blocks[0]) ?? script.after(blocks.at(-1));
    script.run(blocks.map((block) => ({ remove: true, block })), blocks[0]);
    if (!script.blocks.length) script.run([{ insert: true, block: script.make() }]);
    this.rows.place(next ?? script.blocks[0], Infinity);
  }

  // Insert text. Each of its lines becomes a block.
  paste(event) {
    const at = caret();
    if (!at) return;
    event.preventDefault();
    const lines = event.clipboardData.getData("text/plain").split(/\s*\n\s*/).filter(Boolean);
    if (!lines.length) return;
    const block = this.rows.blockOf(at.words);
    const head = block.text.slice(0, at.start);
    const tail = block.text.slice(at.end);
    const rest = lines.slice(1).map((line) => this.script.make({ ...styleOf(block), text: line }));
    const last = rest.at(-1);
    const offset = (last ?? { text: head + lines[0] }).text.length;
    if (last) last.text += tail;
    const steps = [{ block, before: { text: block.text }, after: { text: head + lines[0] + (last ? "" : tail) } }];
    let previous = block;
    for (const each of rest) {
      steps.push({ insert: true, block: each, previous });
      previous = each;
    }
    this.script.run(steps, block);
    this.rows.place(previous, offset);
  }

  split(block, at) {
    const { script } = this;
    const made = script.make({ ...styleOf(block), text: block.text.slice(at.end) });
    const head = block.text.slice(0, at.start);
    script.run([{ block, before: { text: block.text }, after: { text: head } }, { insert: true, block: made, previous: block }], block);
    this.rows.place(made, 0);
  }

  join(previous, block) {
    const { script } = this;
    if (previous.kind === "pause") return script.run([{ remove: true, block: previous }], block);
    if (previous.textFormat === "ssml" || block.textFormat === "ssml") return;
    const joint = previous.text.length;
    script.run([{ remove: true, block }, { block: previous, before: { text: previous.text }, after: { text: previous.text + block.text } }], previous);
    this.rows.place(previous, joint);
  }

  // Tab leaves the script, which may have thousands of blocks. Arrow keys move within it.
  leave(event) {
    const { target, shiftKey } = event;
    if (target.matches(shiftKey ? "[data-remove]" : ".pause input")) return; // to the other part of a pause
    const page = this.list.closest("#editor");
    const places = shiftKey ? page.querySelectorAll(".script-card button:enabled:not(.line *)") : page.querySelectorAll(".editor-side summary");
    event.preventDefault();
    [...places].at(shiftKey ? -1 : 0).focus();
  }

  key(event) {
    const { script, settings, rows } = this;
    const { key, shiftKey, altKey, ctrlKey, metaKey, isComposing } = event;
    if (isComposing) return;
    const block = rows.blockOf(event.target);
    if (!block) return;
    if (key === "Tab" && !altKey && !ctrlKey && !metaKey) return this.leave(event);
    const several = settings.chosen();
    if (several.length > 1 && (key === "Backspace" || key === "Delete")) {
      event.preventDefault();
      return this.remove(several);
    }
    const at = caret();
    const previous = script.before(block);
    const next = script.after(block);
    if (block.kind === "pause" || !at) {
      const other = altKey ? null : { ArrowUp: previous, ArrowDown: next }[key];
      if (!other) return;
      event.preventDefault();
      return rows.place(other, key === "ArrowUp" ? Infinity : 0);
    }
    const atStart = at.end === 0;
    const atEnd = at.start === (block.text ?? "").length;
    if (key === "Enter" && !ctrlKey && !metaKey && block.textFormat !== "ssml") {
      event.preventDefault();
      this.split(block, at);
    } else if (key === "Backspace" && atStart && previous) {
      event.preventDefault();
      this.join(previous, block);
    } else if (shiftKey && (key === "ArrowUp" || key === "ArrowDown")) {
      const other = key === "ArrowUp" ? script.before(settings.current) : script.after(settings.current);
      if (other && (several.length > 1 || (key === "ArrowUp" ? atFirstLine(at) : atLastLine(at)))) {
        event.preventDefault();
        settings.select(other, true);
        rows.of(other).scrollIntoView({ block: "nearest" });
      }
    } else if (!shiftKey && previous && ((key === "ArrowLeft" && atStart) || (key === "ArrowUp" && atFirstLine(at)))) {
      event.preventDefault();
      rows.place(previous, key === "ArrowUp" ? at.start : Infinity);
    } else if (!shiftKey && next && ((key === "ArrowRight" && atEnd) || (key === "ArrowDown" && atLastLine(at)))) {
      event.preventDefault();
      rows.place(next, key === "ArrowDown" ? at.start : 0);
    }
  }

  keyOfPage(event) {
    const { script, player } = this;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !event.target.closest("form")) {
      event.preventDefault();
      event.shiftKey ? script.redo() : script.undo();
    } else if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      event.preventDefault();
      player.toggle();
    } else if (event.key === "Escape") {
      player.stop();
    } else if (event.key === " " && player.active && !event.target.closest("input, select, button, .words, summary")) {
      event.preventDefault();
      player.stop();
    }
  }
}
