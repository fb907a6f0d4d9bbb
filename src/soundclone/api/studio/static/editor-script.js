// The script of a project: its blocks, the edits that can be undone, and saving.

import { randomKey, request } from "./editor-requests.js";

export const FIELDS = ["text", "seconds", "modelId", "language", "emotion", "speed", "pitch"];
const TYPING = 1500; // milliseconds without a key after which typing is another edit
const PAUSE = 400; // milliseconds without a change before it is saved
const PAGE = 500; // blocks of a request
const SLICE = 50; // blocks that are shown at once
const UNDONE = 500; // edits that can be undone

const fieldsOf = (from) => Object.fromEntries(FIELDS.map((name) => [name, from[name] ?? null]));
const same = (one, other) => FIELDS.every((name) => (one[name] ?? null) === (other[name] ?? null));

export class Script extends EventTarget {
  constructor(url, draft) {
    super();
    Object.assign(this, { url, draft, blocks: [], dirty: new Set(), undone: [], done: [], trouble: null, loaded: false });
    addEventListener("online", () => this.save());
    addEventListener("pagehide", () => this.keep());
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  // Loading

  async load() {
    let cursor = null;
    let limit = 100;
    do {
      const query = new URLSearchParams(cursor ? { limit, cursor } : { limit });
      const page = await request("GET", `${this.url}/blocks?${query}`);
      const found = page.list.map((view) => this.fromView(view));
      for (let at = 0; at < found.length; at += SLICE) {
        const some = found.slice(at, at + SLICE);
        this.blocks.push(...some);
        this.tell("page", some);
        await new Promise((done) => setTimeout(done)); // somebody may be writing
      }
      cursor = page.nextCursor;
      limit = PAGE;
    } while (cursor);
    this.loaded = true;
    await this.recover();
    this.save();
  }

  // Load the states of blocks again: of all, because a change of the project concerns them all, or
  // of the pages that have blocks of a kind. Return how many are being recorded.
  async reload(isWanted = () => true) {
    const known = new Map(this.blocks.map((block) => [block.id, block]));
    const kept = this.blocks.filter((block) => block.id && block.kept);
    let left = 0;
    for (let at = 0; at < kept.length; at += PAGE) {
      const some = kept.slice(at, at + PAGE);
      if (!some.some(isWanted)) continue;
      const missing = new Set(some.map((block) => block.id));
      let cursor = kept[at - 1]?.id;
      do {
        const query = new URLSearchParams(cursor ? { limit: PAGE, cursor } : { limit: PAGE });
        const page = await request("GET", `${this.url}/blocks?${query}`);
        for (const view of page.list) {
          if (missing.delete(view.id)) left += view.state === "recording";
          this.renew(known.get(view.id), view);
        }
        cursor = page.nextCursor;
      } while (cursor && missing.size); // other people may have inserted blocks
    }
    return left;
  }

  renew(block, view) {
    if (!block || this.dirty.has(block)) return;
    const isSame = block.version === view.version && block.state === view.state && block.take?.id === view.take?.id;
    Object.assign(block, fieldsOf(view));
    this.adopt(block, view);
    if (!isSame) this.tell("changed", block);
  }

  fromView(view) {
    const block = { key: view.id };
    Object.assign(block, fieldsOf(view));
    this.adopt(block, view);
    return block;
  }

  // Record what the service has of a block.
  adopt(block, view, saved = fieldsOf(view)) {
    const { id, version, kind, textFormat, state, take, takeId, takes, recordingId, characters } = view;
    Object.assign(block, { id, version, kind, textFormat, state, take, takeId, takes, recordingId, characters, saved, kept: true });
  }

  make(values = {}) {
    const key = randomKey();
    const fields = { ...fieldsOf(values), text: values.text ?? "" }; // a pause has an empty text too
    return { key, id: null, kind: "text", textFormat: "plain", state: "unrecorded", takes: 0, ...values, ...fields };
  }

  // Edits: groups of steps, each of which sets values, inserts a block or removes a block.

  run(steps, focus) {
    this.done.push({ steps, focus });
    if (this.done.length > UNDONE) this.done.shift();
    this.undone = [];
    for (const step of steps) this.apply(step);
    this.schedule();
  }

  type(block, text) {
    const last = this.done.at(-1);
    const now = Date.now();
    if (last?.typed === block && now - last.at < TYPING) {
      last.steps[0].after.text = text;
    } else {
      this.done.push({ steps: [{ block, before: { text: block.text }, after: { text } }], focus: block, typed: block });
      if (this.done.length > UNDONE) this.done.shift();
    }
    this.done.at(-1).at = now;
    this.undone = [];
    block.text = text;
    this.dirty.add(block);
    this.schedule();
  }

  undo() {
    this.turn(this.done, this.undone, (step) => this.apply(step, true), true);
  }
  redo() {
    this.turn(this.undone, this.done, (step) => this.apply(step), false);
  }
  turn(from, to, apply, backwards) {
    const group = from.pop();
    if (!group) return;
    delete group.typed;
    to.push(group);
    for (const step of backwards ? group.steps.toReversed() : group.steps) apply(step);
    this.tell("turned", group.focus);
    this.schedule();
  }

  apply(step, backwards = false) {
    const { block, insert, remove } = step;
    if (insert || remove) {
      if (Boolean(insert) !== backwards) {
        const place = step.previous ? this.blocks.indexOf(step.previous) + 1 : 0;
        this.blocks.splice(place, 0, block);
        block.gone = false;
        this.tell("inserted", block);
      } else {
        const place = this.blocks.indexOf(block);
        step.previous = this.blocks[place - 1];
        this.blocks.splice(place, 1);
        block.gone = true;
        this.tell("removed", block);
      }
    } else {
      Object.assign(block, backwards ? step.before : step.after);
      this.tell("changed", block);
    }
    this.dirty.add(block);
  }

  set(blocks, values) {
    const steps = blocks.map((block) => ({
      block,
      before: Object.fromEntries(Object.keys(values).map((name) => [name, block[name] ?? null])),
      after: { ...values },
    }));
    this.run(steps, blocks[0]);
  }

  before(block) {
    return this.blocks[this.blocks.indexOf(block) - 1];
  }
  after(block) {
    return this.blocks[this.blocks.indexOf(block) + 1];
  }

  // Saving

  schedule(wait = PAUSE) {
    this.tell("saving");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), wait);
    clearTimeout(this.keeping);
    this.keeping = setTimeout(() => this.keep(), 150);
  }

  // Save all changes. Two calls never save at once.
  save() {
    clearTimeout(this.timer);
    this.saving = (this.saving ?? Promise.resolve()).then(() => this.saveAll());
    return this.saving;
  }

  async saveAll() {
    if (!this.loaded || !this.dirty.size) return;
    this.trouble = null;
    const places = new Map();
    if (this.dirty.size > 1) this.blocks.forEach((block, place) => places.set(block, place));
    const waiting = [...this.dirty].sort((one, other) => (places.get(one) ?? -1) - (places.get(other) ?? -1));
    for (const block of waiting) {
      try {
        const sent = fieldsOf(block);
        const { gone } = block;
        await this.saveBlock(block, sent);
        if (same(sent, block) && gone === block.gone) this.dirty.delete(block);
        this.tell("state", block);
      } catch (error) {
        this.trouble = error;
        if (error.again) {
          this.patience = Math.min(30_000, 2 * (this.patience ?? 1000));
          clearTimeout(this.timer);
          this.timer = setTimeout(() => this.save(), this.patience);
        }
        if (error.again || error.status === 401) break; // the other blocks would not fare better
      }
    }
    if (!this.trouble) this.patience = undefined;
    this.keep();
    this.tell("saving");
    if (!this.trouble && this.dirty.size) this.schedule();
  }

  async saveBlock(block, sent) {
    if (block.gone) {
      if (block.order) {
        const view = await this.insertOnce(block.order);
        block.order = null;
        if (view) this.adopt(block, view);
      }
      if (!block.id || !block.kept) return;
      await request("DELETE", `${this.url}/blocks/${block.id}`, undefined, { missing: true });
      block.kept = false;
      return;
    }
    if (!block.id) return this.create(block, sent);
    const path = `${this.url}/blocks/${block.id}`;
    if (!block.kept) this.adopt(block, await request("POST", `${path}/restoration`));
    const values = Object.fromEntries(FIELDS.filter((name) => (block.saved[name] ?? null) !== sent[name]).map((name) => [name, sent[name]]));
    if (!Object.keys(values).length) return;
    try {
      this.adopt(block, await request("PATCH", path, values, { match: block.version }), sent);
    } catch (error) {
      if (error.status === 404) {
        // Somebody deleted the block. What was written here is kept as a new block.
        Object.assign(block, { id: null, kept: false, order: null });
        return this.create(block, sent);
      }
      if (error.status !== 412) throw error;
      const view = await request("GET", path);
      const mine = fieldsOf(block);
      this.adopt(block, view);
      Object.assign(block, fieldsOf(view));
      this.done.push({ steps: [{ block, before: mine, after: fieldsOf(view) }], focus: block });
      this.tell("changed", block);
      this.tell("overtaken", block);
    }
  }

  async create(block, sent) {
    if (!block.order) {
      let place = this.blocks.indexOf(block) - 1;
      while (place >= 0 && !(this.blocks[place].id && this.blocks[place].kept)) place--;
      const draft = Object.fromEntries(Object.entries({ kind: block.kind, textFormat: block.textFormat, ...sent }).filter(([, value]) => value !== null));
      block.order = { key: randomKey(), body: { blocks: [draft], after: this.blocks[place]?.id ?? "start" } };
      this.keep();
    }
    const { order } = block;
    try {
      const view = await this.insertOnce(order);
      block.order = null;
      if (view) this.adopt(block, view);
      if (!view || !same(block.saved, sent)) await this.saveBlock(block, sent);
    } catch (error) {
      if (error.refused) block.order = null;
      throw error;
    }
  }

  // Insert a block. The response may be lost, and the same key makes no second block.
  async insertOnce({ key, body }) {
    const { list } = await request("POST", `${this.url}/blocks`, body, { key });
    return list[0]; // none if the block was deleted since
  }

  // Changes that are not saved, kept in the browser

  keep() {
    if (!this.loaded) return;
    try {
      if (!this.dirty.size) return localStorage.removeItem(this.draft);
      const rows = [...this.dirty].filter((block) => block.id || !block.gone).map((block) => {
        const previous = this.before(block);
        return { key: block.key, id: block.id, kind: block.kind, textFormat: block.textFormat, version: block.version, gone: Boolean(block.gone), previous: previous?.key, order: block.order, ...fieldsOf(block) };
      });
      localStorage.setItem(this.draft, JSON.stringify(rows));
    } catch {
      // The browser keeps nothing, or has no more space.
    }
  }

  async recover() {
    let rows = [];
    try {
      rows = JSON.parse(localStorage.getItem(this.draft) ?? "[]");
    } catch {
      return;
    }
    const known = new Map(this.blocks.map((block) => [block.id, block]));
    const keys = new Map(this.blocks.map((block) => [block.key, block]));
    const steps = [];
    for (const row of rows) {
      let block = known.get(row.id);
      if (block && row.gone) {
        steps.push({ remove: true, block });
        continue;
      }
      if (row.gone) continue;
      if (!block && row.order) {
        // The service may have made the block before the page was closed.
        block = known.get((await this.insertOnce(row.order).catch(() => null))?.id);
      }
      if (block) {
        keys.set(row.key, block);
        if (!same(block, row)) steps.push({ block, before: fieldsOf(block), after: fieldsOf(row) });
        continue;
      }
      block = this.make({ ...fieldsOf(row), kind: row.kind, textFormat: row.textFormat });
      Object.assign(block, { key: row.key, order: row.order });
      steps.push({ insert: true, block, previous: keys.get(row.previous) });
      keys.set(row.key, block);
    }
    if (steps.length) {
      this.run(steps, steps[0].block);
      this.tell("recovered");
    }
  }
}
