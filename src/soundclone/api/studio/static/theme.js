// The switch between light and dark. The head loads this script before the page appears, without
// defer: a click that comes before the modules have run still counts.

document.addEventListener("click", ({ target }) => {
  if (!target.closest("[data-theme-switch]")) return;
  const root = document.documentElement;
  const dark = root.dataset.theme === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : root.dataset.theme === "dark";
  root.dataset.theme = dark ? "light" : "dark";
  document.cookie = `soundclone_theme=${root.dataset.theme}; path=/studio; max-age=31536000; samesite=strict`;
  document.dispatchEvent(new Event("soundclone:theme"));
});
