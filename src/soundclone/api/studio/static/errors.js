// Errors are shown below their field, or below the button that was pressed.
//
// Errors of a submission and errors of a price estimate are kept apart. The page requests the
// estimate again while the user types, and a new estimate must not remove the submission's error.

const FORM = "form";
const ESTIMATE = "estimate";

function scope(near) {
  return near.closest("form, .card, dialog") ?? document.getElementById("main");
}

function boxesFor(near, field) {
  const within = scope(near);
  return (
    (field && within.querySelector(`.errors[data-for="${CSS.escape(field)}"]`)) ||
    within.querySelector(".errors:not([data-for])") ||
    within.querySelector(".errors") ||
    pageErrors()
  );
}

function pageErrors() {
  const found = document.querySelector("#main > .errors");
  if (found) return found;
  const made = document.createElement("div");
  made.className = "errors";
  made.setAttribute("role", "alert");
  document.getElementById("main").prepend(made);
  return made;
}

function insert(near, box, field, from) {
  const target = boxesFor(near, field);
  for (const other of [...target.children]) {
    // Do not show the same error twice.
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
  return insert(near, box, field, FORM);
}

export function clearErrors(near) {
  remove(scope(near), ".errors > .error");
}

export function install(t) {
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const { xhr, requestConfig } = detail;
    if (xhr.status < 400) return;
    const near = requestConfig.elt;
    // A part that follows the service keeps its last state, and is requested again.
    if (near.dataset.live !== undefined) {
      detail.shouldSwap = detail.isError = false;
      return;
    }
    const field = xhr.getResponseHeader("X-Field");
    const response = document.createElement("template");
    response.innerHTML = xhr.responseText;
    const box = response.content.querySelector(".error");
    detail.shouldSwap = false;
    detail.isError = false;
    // The error page of a proxy has no error box.
    if (!box) return void showError(near, t("offline"), t("offline.todo"));
    if (near.classList.contains(ESTIMATE)) {
      near.replaceChildren();
      insert(near, box, field, ESTIMATE);
    } else {
      insert(near, box, field, FORM).scrollIntoView({ block: "nearest" });
    }
  });
  document.addEventListener("htmx:beforeRequest", ({ detail: { elt } }) => {
    if (elt.classList.contains(ESTIMATE)) remove(scope(elt), `.errors > .error[data-from="${ESTIMATE}"]`);
    else clearErrors(elt);
  });
  // Remove the submission's error from a field that is being edited.
  document.addEventListener("input", ({ target }) => {
    if (!target.form) return;
    const field = CSS.escape(target.dataset.field ?? target.name);
    const from = `.error[data-from="${FORM}"]`;
    remove(target.form, `.errors:not([data-for]) > ${from}, .errors[data-for="${field}"] > ${from}`);
  });
  document.addEventListener("htmx:sendError", ({ detail }) => {
    const { classList, dataset } = detail.elt;
    if (dataset.live === undefined && !classList.contains("task") && !classList.contains(ESTIMATE)) showError(detail.elt, t("offline"), t("offline.todo"));
  });
}
