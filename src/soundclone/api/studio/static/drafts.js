// Drafts of scripts: kept in this browser, apart for each account, until the script is sent or
// somebody signs out.

const PREFIX = "soundclone-draft-";

function place(form) {
  return PREFIX + form.dataset.draft;
}

export function keep(form) {
  const values = Object.fromEntries([...new FormData(form)].filter(([, value]) => typeof value === "string"));
  try {
    localStorage.setItem(place(form), JSON.stringify(values));
  } catch {
    // No room, or not allowed: the form works without.
  }
}

// Fill a form with its draft, unless the page came with values of its own. A choice that the
// page's address makes stays. Returns whether there was a draft.
export function restore(form) {
  if (form.dataset.filled !== undefined) return false;
  let values = null;
  try {
    values = JSON.parse(localStorage.getItem(place(form)));
  } catch {
    // Not readable, so there is none.
  }
  if (!values) return false;
  for (const [name, value] of Object.entries(values)) {
    const field = form.elements[name];
    if (!field || field.dataset.fixed !== undefined) continue;
    if (field instanceof HTMLSelectElement && ![...field.options].some((each) => each.value === value)) continue;
    field.value = value;
  }
  return true;
}

export function drop(form) {
  try {
    localStorage.removeItem(place(form));
  } catch {
    // Nothing is kept.
  }
}

export function dropAll() {
  try {
    for (const name of Object.keys(localStorage)) if (name.startsWith(PREFIX)) localStorage.removeItem(name);
  } catch {
    // Nothing is kept.
  }
}
