"use strict";
// Before the page is painted, so that it never flashes in the other colours. A page from a file may have no storage.
(() => {
  const CHOICES = ["auto", "light", "dark"];
  const LABELS = { auto: "Theme: system", light: "Theme: light", dark: "Theme: dark" };
  let choice = "auto";
  try {
    const kept = localStorage.getItem("board-theme");
    if (CHOICES.includes(kept)) choice = kept;
  } catch {}
  const show = () => {
    if (choice === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
    const button = document.getElementById("theme");
    if (button) button.textContent = LABELS[choice];
  };
  show();
  document.addEventListener("DOMContentLoaded", () => {
    show();
    document.getElementById("theme").addEventListener("click", () => {
      choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
      try {
        localStorage.setItem("board-theme", choice);
      } catch {}
      show();
    });
  });
})();
