"use strict";
(() => {
  const button = document.getElementById("code");
  const sources = document.querySelectorAll("details.source");
  if (!button || !sources.length) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-pressed") !== "true";
    sources.forEach((source) => { source.open = open; });
    button.setAttribute("aria-pressed", String(open));
    button.textContent = open ? "Hide all code" : "Show all code";
  });
})();
