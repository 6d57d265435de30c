"use strict";
// Everything can be read without this; it narrows what is shown, and keeps what was asked in the address.
document.documentElement.classList.add("js");
const search = document.getElementById("search");
const shown = document.getElementById("shown");
const boxes = [...document.querySelectorAll(".filters input[type=checkbox]")];
const rows = [...document.querySelectorAll("tr[data-kind]")].map((row) => ({
  row, kind: row.dataset.kind, origin: row.dataset.origin, text: row.textContent.toLowerCase(),
}));

function narrow() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const kinds = new Set(boxes.filter((box) => box.checked && box.name === "kind").map((box) => box.value));
  const origins = new Set(boxes.filter((box) => box.checked && box.name === "origin").map((box) => box.value));
  let count = 0;
  for (const { row, kind, origin, text } of rows) {
    const fits = (kinds.size === 0 || kinds.has(kind)) && (origins.size === 0 || origins.has(origin)) &&
      words.every((word) => text.includes(word));
    row.hidden = !fits;
    count += fits ? 1 : 0;
  }
  shown.textContent = count + " of " + rows.length + " rows";
  const asked = new URLSearchParams();
  if (search.value) asked.set("q", search.value);
  for (const box of boxes) if (box.checked) asked.append(box.name, box.value);
  const hash = asked.toString();
  if (hash || location.hash.includes("=")) history.replaceState(null, "", "#" + hash);
}

function remember() {
  const asked = new URLSearchParams(location.hash.slice(1));
  search.value = asked.get("q") || "";
  for (const box of boxes) box.checked = asked.getAll(box.name).includes(box.value);
  narrow();
}

if (search) {
  search.addEventListener("input", narrow);
  for (const box of boxes) box.addEventListener("change", narrow);
  addEventListener("hashchange", () => { if (location.hash.includes("=")) remember(); });
  remember();
}
