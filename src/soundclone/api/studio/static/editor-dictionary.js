// The dictionary of a script, in a panel over its page.

const LONGEST = 40; // characters of a selection that are taken for a word

export class Dictionary {
  constructor(page, script, helpers) {
    Object.assign(this, { script, ...helpers });
    this.panel = page.querySelector("#dictionary-panel");
    this.body = page.querySelector("#dictionary-body");
    const opener = page.querySelector("#open-dictionary");
    // A press on the button may end the selection.
    opener.addEventListener("pointerdown", () => (this.word = selected()));
    opener.addEventListener("click", () => this.open());
    page.querySelector("#close-dictionary").addEventListener("click", () => this.panel.close());
    this.panel.addEventListener("click", ({ target }) => target === this.panel && this.panel.close());
    this.panel.addEventListener("keydown", (event) => event.stopPropagation()); // no keys of the script
    this.panel.addEventListener("close", () => this.body.replaceChildren());
    document.body.addEventListener("pronunciations", () => this.changed());
  }

  async open() {
    const word = this.word || selected();
    this.word = "";
    this.panel.showModal();
    this.body.ariaBusy = "true";
    await window.htmx.ajax("GET", this.panel.dataset.from, { source: this.body, target: this.body, select: "#dictionary", swap: "innerHTML" });
    this.body.ariaBusy = "false";
    const form = this.body.querySelector("form");
    if (!form) return; // the panel shows an error
    const voice = this.body.querySelector("#voice");
    const [block] = this.settings.spoken();
    const wanted = block?.modelId ?? this.settings.project?.modelId;
    if (voice && [...voice.options].some(({ value }) => value === wanted)) voice.value = wanted;
    const { written, spoken } = form.elements;
    written.value = word;
    written.dispatchEvent(new Event("input", { bubbles: true }));
    (word ? spoken : written).focus();
  }

  // Show which takes have become stale.
  async changed() {
    try {
      await this.script.reload();
      await this.price();
      await this.takes.show(this.takes.block);
    } catch (error) {
      this.say(error.message);
    }
  }
}

// The words of the script that are selected, if they are few.
function selected() {
  const selection = getSelection();
  const node = selection.anchorNode;
  const words = (node?.nodeType === Node.ELEMENT_NODE ? node : node?.parentElement)?.closest(".words");
  const text = selection.toString().trim();
  return words?.contains(selection.focusNode) && text.length <= LONGEST ? text : "";
}
