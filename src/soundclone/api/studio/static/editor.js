// The page of a project: its parts, and what the page says about saving and the price.

import { Dictionary } from "./editor-dictionary.js";
import { Keys } from "./editor-keys.js";
import { Player } from "./editor-player.js";
import { request } from "./editor-requests.js";
import { Rows } from "./editor-rows.js";
import { Script } from "./editor-script.js";
import { Settings } from "./editor-settings.js";
import { Delivery, Takes } from "./editor-takes.js";
import { t } from "./i18n.js";

const WAIT = 1500; // milliseconds after a change before the price is requested

const page = document.getElementById("editor");
const list = document.getElementById("script");
const $ = (selector) => page.querySelector(selector);

function say(text) {
  $("#notice").textContent = text;
}

// The price of what is left to record

async function price() {
  let project;
  try {
    project = await request("GET", `${script.url}/script`);
  } catch {
    return;
  }
  const { blocks, cost } = project.unrecorded;
  $("#price").textContent = blocks ? t("editor.price", { blocks: blocks.toLocaleString(), cost: cost.toLocaleString() }) : t("editor.price.none");
  settings.project = project;
  if (settings.isOfScript) settings.fill();
}

const script = new Script(page.dataset.project, page.dataset.draft);
const settings = new Settings(page, script, { say, price });
const rows = new Rows(list, script, JSON.parse(document.getElementById("voices").textContent), (...named) => settings.nameOf(...named));
const draw = (block) => rows.draw(block);
const player = new Player(page, script, { say, draw, price, rowOf: (block) => rows.of(block), from: () => settings.chosen()[0] ?? script.blocks[0] });
const takes = new Takes(page, script, { say, draw, price, player });
const keys = new Keys(list, script, { rows, settings, player });
Object.assign(settings, { rows, takes });
new Delivery(page, script, { draw, price });
new Dictionary(page, script, { settings, takes, price, say });
if (matchMedia("(min-width: 1041px)").matches) $("#settings-card").open = true;

// On a phone the cards are over the script, one at a time, as near to the header as they can be.
const cards = page.querySelectorAll(".editor-side > details");
for (const card of cards) {
  card.addEventListener("toggle", () => {
    if (!card.open || !card.contains(document.activeElement)) return;
    if (!matchMedia("(max-width: 760px)").matches) return card.parentElement.scrollTo({ top: card.offsetTop });
    for (const other of cards) other.open = other === card;
    const above = $(".desk").getBoundingClientRect().top - document.querySelector(".top").offsetHeight;
    if (above > 0) scrollBy({ top: above });
  });
}

$("#open-help").addEventListener("click", () => $("#help-panel").showModal());
$("#close-help").addEventListener("click", () => $("#help-panel").close());
$("#help-panel").addEventListener("keydown", (event) => event.stopPropagation()); // no keys of the script

for (const button of page.querySelectorAll("[data-insert]")) {
  button.addEventListener("click", () => keys.insert(button.dataset.insert));
}
$("#undo").addEventListener("click", () => script.undo());
$("#redo").addEventListener("click", () => script.redo());

script.addEventListener("turned", ({ detail }) => {
  if (detail && !detail.gone) rows.place(detail, Infinity);
});
script.addEventListener("overtaken", () => say(t("editor.overtaken")));
script.addEventListener("recovered", () => say(t("editor.recovered")));
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
    script.pricing = setTimeout(price, WAIT);
  }
});

addEventListener("beforeunload", (event) => {
  if (script.dirty.size) event.preventDefault();
});

try {
  await Promise.all([script.load(), price()]);
  if (!script.blocks.length) {
    const first = script.make();
    script.blocks.push(first);
    rows.append([first]);
  }
  script.tell("saving");
  list.ariaBusy = "false";
} catch (error) {
  say(error.message);
}
