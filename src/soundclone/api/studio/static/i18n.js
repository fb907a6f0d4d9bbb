// Strings of the scripts, in the language of the page.

const texts = JSON.parse(document.getElementById("texts").textContent);

export function t(key, values = {}) {
  return texts[`js.${key}`].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export const csrf = document.querySelector('meta[name="csrf-token"]').content;
