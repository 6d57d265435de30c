"use strict";
// Everything can be read without this; it narrows what is shown, and keeps what was asked in the address.
document.documentElement.classList.add("js");
const search = document.getElementById("search");
const shown = document.getElementById("shown");
const boxes = [...document.querySelectorAll(".filters input[type=checkbox]")];
const tables = [...document.querySelectorAll("table.rows")].map((table) => ({
  section: table.closest("section"),
  count: table.closest("section").querySelector(".count"),
  rows: [...table.tBodies[0].rows].map((row) => ({
    row, kind: row.dataset.kind, origin: row.dataset.origin,
    // Apart, so that no word is found across two cells.
    text: [...row.cells].map((cell) => cell.textContent.toLowerCase()).join("\n"),
  })),
}));

function narrow() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const asked = (name) => new Set(boxes.filter((box) => box.checked && box.name === name).map((box) => box.value));
  const kinds = asked("kind"), origins = asked("origin");
  let found = 0, all = 0;
  for (const { section, count, rows } of tables) {
    let fit = 0;
    for (const { row, kind, origin, text } of rows) {
      const fits = (kinds.size === 0 || kinds.has(kind)) && (origins.size === 0 || origins.has(origin)) &&
        words.every((word) => text.includes(word));
      row.hidden = !fits;
      fit += fits ? 1 : 0;
    }
    count.textContent = fit === rows.length ? fit : fit + " of " + rows.length;
    section.hidden = fit === 0;
    found += fit;
    all += rows.length;
  }
  shown.textContent = (found === 0 ? "Nothing matches: " : "") + found + " of " + all + " rows";
}

function remember() {
  const asked = new URLSearchParams();
  if (search.value) asked.set("q", search.value);
  for (const box of boxes) if (box.checked) asked.append(box.name, box.value);
  const hash = asked.toString();
  if (hash || location.hash.includes("=")) history.replaceState(null, "", "#" + hash);
}

function recall() {
  const asked = new URLSearchParams(location.hash.slice(1));
  search.value = asked.get("q") || "";
  for (const box of boxes) box.checked = asked.getAll(box.name).includes(box.value);
  narrow();
}

if (search) {
  const changed = () => { narrow(); remember(); };
  search.addEventListener("input", changed);
  for (const box of boxes) box.addEventListener("change", changed);
  addEventListener("hashchange", recall);
  recall();
}
