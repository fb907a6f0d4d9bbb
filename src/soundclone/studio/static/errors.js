// Errors are said where they happened: beneath the field that they are about, or else beneath what
// was pressed.

function place(near, field) {
  const within = near.closest("form, .card") ?? document.getElementById("main");
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

export function showError(near, title, message, field) {
  const box = document.createElement("div");
  box.className = "error";
  const strong = document.createElement("strong");
  strong.textContent = title;
  box.append(strong, " ", message);
  const target = place(near, field);
  target.replaceChildren(box);
  mark(target, field, true);
  return target;
}

export function clearErrors(near) {
  const within = near.closest("form, .card") ?? document;
  for (const each of within.querySelectorAll(".errors")) each.replaceChildren();
  for (const each of within.querySelectorAll('[aria-invalid="true"]')) each.removeAttribute("aria-invalid");
}

function mark(target, field) {
  const form = target.closest("form");
  const input = field && form?.elements[field];
  if (input instanceof HTMLElement && input.type !== "hidden") input.setAttribute("aria-invalid", "true");
}

export function install(t) {
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const { xhr, requestConfig } = detail;
    if (xhr.status < 400) return;
    const near = requestConfig.elt;
    const field = xhr.getResponseHeader("X-Field");
    detail.shouldSwap = true;
    detail.isError = false;
    detail.swapOverride = "innerHTML";
    detail.target = place(near, field);
    // An estimate is not what somebody asked for: it must not pull them away.
    mark(detail.target, field);
    if (!near.classList.contains("estimate")) detail.target.scrollIntoView({ block: "nearest" });
    else near.replaceChildren();
  });
  document.addEventListener("htmx:beforeRequest", ({ detail }) => clearErrors(detail.elt));
  document.addEventListener("htmx:sendError", ({ detail }) => {
    if (!detail.elt.classList.contains("task")) showError(detail.elt, t("offline"), t("offline.todo"));
  });
}
