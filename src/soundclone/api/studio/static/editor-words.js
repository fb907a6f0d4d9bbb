// The word that is heard, marked in the text of its block. The text itself stays as it is, because
// somebody may be writing in it.

const NAME = "spoken-word"; // of the highlight in the style sheet
const LEAST = 15; // milliseconds between two looks at the time
const MOST = 250;
const { highlights } = globalThis.CSS ?? {}; // not in all browsers

// The place of a word of the take in the present text, null if the word was changed. Texts that
// differ have a common beginning and a common end, or the one contains the other.
export function wordIn(text, spoken, { from, to }) {
  const at = spoken ? text.indexOf(spoken) : -1;
  if (at >= 0) return { from: from + at, to: to + at };
  const most = Math.min(text.length, spoken.length);
  let head = 0;
  while (head < most && text[head] === spoken[head]) head++;
  if (to <= head) return { from, to };
  let tail = 0;
  while (tail < most - head && text.at(-1 - tail) === spoken.at(-1 - tail)) tail++;
  const longer = text.length - spoken.length;
  return from >= spoken.length - tail ? { from: from + longer, to: to + longer } : null;
}

// The words of a take with their times. The service counts code points, and the browser counts
// UTF-16 code units.
export function wordsOf(cues, spoken) {
  const units = [0];
  for (const character of spoken) units.push(units.at(-1) + character.length);
  return cues.map(({ start, offset, length }) => ({ start, from: units[offset], to: units[offset + length] }));
}

// The range of a part of an element's text, null if the text is shorter.
function rangeIn(element, { from, to }) {
  const range = document.createRange();
  const nodes = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let before = 0;
  let started = false;
  for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
    const end = before + node.length;
    if (!started && from < end) {
      range.setStart(node, from - before);
      started = true;
    }
    if (started && to <= end) {
      range.setEnd(node, to - before);
      return range;
    }
    before = end;
  }
  return null;
}

export class SpokenWord {
  constructor(audio, { rowOf, shown }) {
    Object.assign(this, { audio, rowOf, shown, words: [], at: -1 });
    this.mark = highlights ? new globalThis.Highlight() : null;
    if (this.mark) highlights.set(NAME, this.mark);
  }

  // Mark the words of a take while it sounds.
  async follow(block, take) {
    this.stop();
    if (!this.mark || !take.subtitleJson) return;
    this.take = take;
    const link = new URL(take.subtitleJson);
    const response = await fetch(link.pathname + link.search).catch(() => null);
    const cues = response?.ok ? await response.json().catch(() => []) : [];
    if (this.take !== take) return;
    Object.assign(this, { block, words: wordsOf(cues, take.text ?? "") });
    this.look();
  }

  stop() {
    clearTimeout(this.timer);
    this.mark?.clear();
    Object.assign(this, { take: null, words: [], at: -1 });
  }

  // Look at the time when the next word is due. A look in every frame would make the browser prepare
  // the whole script each time, which takes milliseconds in a long one.
  look() {
    const now = 1000 * this.audio.currentTime;
    let at = this.words[this.at]?.start <= now ? this.at : -1;
    while (this.words[at + 1]?.start <= now) at++;
    if (this.audio.ended) at = -1;
    if (at !== this.at) {
      this.at = at;
      this.draw(this.words[at]);
    }
    const left = ((this.words[at + 1]?.start ?? Infinity) - now) / this.audio.playbackRate;
    this.timer = setTimeout(() => this.look(), Math.max(LEAST, Math.min(MOST, left)));
  }

  draw(word) {
    this.mark.clear();
    const place = word && wordIn(this.block.text ?? "", this.take.text ?? "", word);
    const text = this.rowOf(this.block)?.querySelector(".words");
    const range = place && text && rangeIn(text, place);
    if (!range) return;
    this.mark.add(range);
    this.shown(range);
  }
}
