// Drafts of scripts. The browser keeps one draft for each account until the script is sent or the
// user signs out.

const PREFIX = "soundclone-draft-";

function keyOf(form) {
  return PREFIX + form.dataset.draft;
}

export function saveDraft(form) {
  const values = Object.fromEntries([...new FormData(form)].filter(([, value]) => typeof value === "string"));
  try {
    localStorage.setItem(keyOf(form), JSON.stringify(values));
  } catch {
    // The storage is full or blocked. The form works without a draft.
  }
}

// Fill a form with its draft, unless the server filled the form. Fields that the page's address
// sets keep their value. Returns true if there was a draft.
export function restoreDraft(form) {
  if (form.dataset.filled !== undefined) return false;
  let values = null;
  try {
    values = JSON.parse(localStorage.getItem(keyOf(form)));
  } catch {
    // An unreadable draft counts as none.
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

export function deleteDraft(form) {
  try {
    localStorage.removeItem(keyOf(form));
  } catch {
    // The storage is blocked, so there is no draft.
  }
}

export function deleteAllDrafts() {
  try {
    for (const name of Object.keys(localStorage)) if (name.startsWith(PREFIX)) localStorage.removeItem(name);
  } catch {
    // The storage is blocked, so there is no draft.
  }
}
