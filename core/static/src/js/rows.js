/*
 * Lists: a click anywhere in a row opens it, J and K move, X selects, and the bar of acts appears with the first selection.
 *   <table data-list>; <tr data-href="..." data-edit="...">; input[name=selected] in a row; input[data-all] in the head; [data-bulk] with [data-count]
 */
import { once } from "./page.js";

const INTERACTIVE = "a, button, input, select, textarea, label, summary, [popover]";

export function prepareRows(root) {
  once(root, "table[data-list]", "rows", (table) => {
    table.addEventListener("click", (event) => ticked(event) || opened(event));
    table.addEventListener("auxclick", (event) => event.button === 1 && opened(event));
    table.addEventListener("click", (event) => ranged(table, event));
    table.addEventListener("change", () => count(table));
    table.querySelector("[data-all]")?.addEventListener("change", (event) => {
      for (const box of boxes(table)) box.checked = event.target.checked;
    });
    barOf(table)?.addEventListener("click", (event) => {
      if (!event.target.closest("[data-clear]")) return;
      for (const box of [...table.querySelectorAll("input[type=checkbox]"), ...barOf(table).querySelectorAll("input[type=checkbox]")]) box.checked = false;
      count(table);
    });
    count(table);
  });
}

function barOf(table) {
  return table.closest("form, .card")?.querySelector("[data-bulk]");
}

function boxes(table) {
  return [...table.querySelectorAll("input[name=selected]")];
}

function count(table) {
  const chosen = boxes(table).filter((box) => box.checked);
  for (const row of table.tBodies[0].rows) {
    if (row.querySelector("input[name=selected]")) row.setAttribute("aria-selected", String(chosen.includes(row.querySelector("input[name=selected]"))));
  }
  const all = table.querySelector("[data-all]");
  if (all) {
    all.checked = chosen.length > 0 && chosen.length === boxes(table).length;
    all.indeterminate = chosen.length > 0 && !all.checked;
  }
  const bar = barOf(table);
  if (!bar) return;
  bar.hidden = !chosen.length;
  bar.querySelector("[data-count]").textContent = chosen.length;
}

/* With Shift all boxes from the one chosen before to this one become as this one is. */
const before = new WeakMap();

function ranged(table, event) {
  if (!event.target.matches?.("input[name=selected]")) return;
  const all = boxes(table);
  const from = all.indexOf(before.get(table));
  const to = all.indexOf(event.target);
  before.set(table, event.target);
  if (!event.shiftKey || from < 0) return;
  for (const box of all.slice(Math.min(from, to), Math.max(from, to) + 1)) box.checked = event.target.checked;
  count(table);
}

/* A cell around a small box is the box's target too: fingers need it. */
function ticked(event) {
  const box = event.target.matches(".c-check") && event.target.querySelector("input[type=checkbox]");
  box?.click?.();
  return Boolean(box);
}

function opened(event) {
  const row = event.target.closest("tr[data-href]");
  if (!row || event.target.closest(INTERACTIVE) || getSelection().toString()) return;
  if (event.ctrlKey || event.metaKey || event.button === 1) open(row.dataset.href);
  else location.assign(row.dataset.href);
}

/** Acts on a single key in the page's list; tells whether the key meant something here. */
export function pressRowKey(key) {
  const table = document.querySelector("table[data-list]");
  if (!table) return false;
  const rows = [...table.tBodies[0].rows].filter((row) => row.dataset.href);
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  if (key === "j" || key === "k") focusRow(rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + (key === "j" ? 1 : -1)))]);
  else if (at < 0) return false;
  else if (key === "x") rows[at].querySelector("input[name=selected]")?.click();
  else if (key === "Enter" && rows[at] === document.activeElement) location.assign(rows[at].dataset.href);
  else if (key === "e" && rows[at].dataset.edit) location.assign(rows[at].dataset.edit);
  else return false;
  return true;
}

function focusRow(row) {
  if (!row) return;
  row.tabIndex = -1;
  row.focus();
}
