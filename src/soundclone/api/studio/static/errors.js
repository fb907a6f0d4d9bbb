// Errors appear where they happened: beneath their field, or beneath the button that was pressed.
//
// Those of a submitted form and those of its price stay apart, because the price is asked for again
// while somebody reads: it must not remove the answer to what they did.

const FORM = "form";
const ESTIMATE = "estimate";

function scope(near) {
  return near.closest("form, .card") ?? document.getElementById("main");
}

function place(near, field) {
  const within = scope(near);
  return (
    (field && within.querySelector(`.errors[data-for="${CSS.escape(field)}"]`)) ||
    within.querySelector(".errors:not([data-for])") ||
    within.querySelector(".errors") ||
    main()
  );
}

function main() {
  const found = document.querySelector("#main > .errors");
  if (found) return found;
  const made = document.createElement("div");
  made.className = "errors";
  made.setAttribute("role", "alert");
  document.getElementById("main").prepend(made);
  return made;
}

function put(near, box, field, from) {
  const target = place(near, field);
  for (const other of [...target.children]) {
    // The same error twice helps nobody.
    if (other.dataset.from === from || from === FORM || other.textContent === box.textContent) other.remove();
  }
  box.dataset.from = from;
  target.append(box);
  const input = field && target.closest("form")?.elements[field];
  if (input instanceof HTMLElement && input.type !== "hidden") input.setAttribute("aria-invalid", "true");
  return target;
}

function remove(within, boxes) {
  for (const box of within.querySelectorAll(boxes)) box.remove();
  for (const input of within.querySelectorAll('[aria-invalid="true"]')) {
    if (!within.querySelector(`.errors[data-for="${CSS.escape(input.name)}"] > .error`)) input.removeAttribute("aria-invalid");
  }
}

export function showError(near, title, message, field) {
  const box = document.createElement("div");
  box.className = "error";
  const strong = document.createElement("strong");
  strong.textContent = title;
  const text = document.createElement("span");
  text.textContent = message;
  box.append(strong, text);
  return put(near, box, field, FORM);
}

export function clearErrors(near) {
  remove(scope(near), ".errors > .error");
}

export function install(t) {
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const { xhr, requestConfig } = detail;
    if (xhr.status < 400) return;
    const near = requestConfig.elt;
    const field = xhr.getResponseHeader("X-Field");
    const answer = document.createElement("template");
    answer.innerHTML = xhr.responseText;
    const box = answer.content.querySelector(".error");
    detail.shouldSwap = false;
    detail.isError = false;
    // A proxy's own page has no error of ours in it.
    if (!box) return void showError(near, t("offline"), t("offline.todo"));
    if (near.classList.contains(ESTIMATE)) {
      near.replaceChildren();
      put(near, box, field, ESTIMATE);
    } else {
      put(near, box, field, FORM).scrollIntoView({ block: "nearest" });
    }
  });
  document.addEventListener("htmx:beforeRequest", ({ detail: { elt } }) => {
    if (elt.classList.contains(ESTIMATE)) remove(scope(elt), `.errors > .error[data-from="${ESTIMATE}"]`);
    else clearErrors(elt);
  });
  // What is being put right no longer needs its error.
  document.addEventListener("input", ({ target }) => {
    if (!target.form) return;
    const field = CSS.escape(target.dataset.field ?? target.name);
    const from = `.error[data-from="${FORM}"]`;
    remove(target.form, `.errors:not([data-for]) > ${from}, .errors[data-for="${field}"] > ${from}`);
  });
  document.addEventListener("htmx:sendError", ({ detail }) => {
    const { classList } = detail.elt;
    if (!classList.contains("task") && !classList.contains(ESTIMATE)) showError(detail.elt, t("offline"), t("offline.todo"));
  });
}
