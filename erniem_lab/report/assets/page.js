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
(() => {
  // Words and rows' names begin at the left, numbers end at the right. Columns are counted from the right, as the
  // names of rows may stand in one cell for several.
  const number = /^([-+−±<>~]?\s*[.\d].*|nan|-?inf|none|true|false)?$/is;
  const wordy = (cell) => cell.tagName === "TH" || !number.test(cell.innerText.trim());
  document.querySelectorAll(".rich table:has(thead)").forEach((table) => {
    const rows = Array.from(table.rows, (row) => Array.from(row.cells).reverse());
    const cells = rows.flatMap((row) => row.map((cell, column) => ({ cell, column })));
    const said = cells.filter(({ cell }) => cell.closest("tbody") && wordy(cell));
    const columns = new Set(said.map(({ column }) => column));
    cells.forEach(({ cell, column }) => { if (columns.has(column)) cell.classList.add("words"); });
  });
})();
