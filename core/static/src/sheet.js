/*
 * A sheet of numbers (templates/pages/target_sheet.html): moved through by arrows and Enter, filled by pasting cells of a spreadsheet, with sums that
 * follow. What is typed is the server's to read; without this the form does the same by its buttons.
 *   <form data-sheet> with <table data-totals>; inputs in tbody; td[data-rest] in tr[data-sum]; input[data-year] in each row
 */
import { add, parse, show, ZERO } from "./js/decimal.js";

for (const form of document.querySelectorAll("[data-sheet]")) {
  const table = form.querySelector("table");
  if (table) prepare(form, table);
}

function prepare(form, table) {
  form.addEventListener("keydown", (event) => event.target.matches("tbody input") && moved(table, event));
  table.addEventListener("focusin", ({ target }) => target.matches("tbody input") && target.select());
  table.addEventListener("paste", (event) => event.target.matches("tbody input") && pasted(table, event));
  table.addEventListener("input", ({ target }) => followed(table, target));
  table.addEventListener("change", ({ target }) => tidied(target));
  let leaves = true;
  form.addEventListener("submit", () => (leaves = false));
  addEventListener("beforeunload", (event) => leaves && table.querySelector(".changed") && event.preventDefault());
}

const rowsOf = (table) => [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("input")]);

function placeOf(table, input) {
  const rows = rowsOf(table);
  const row = rows.findIndex((cells) => cells.includes(input));
  return [rows, row, rows[row].indexOf(input)];
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Enter: [1, 0] };

/* Left and right leave a cell at the end of its text, or where all of it is selected. */
function moved(table, event) {
  const step = STEPS[event.key];
  if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
  const { target } = event;
  const whole = target.selectionStart === 0 && target.selectionEnd === target.value.length;
  if (event.key === "ArrowLeft" && !whole && target.selectionStart > 0) return;
  if (event.key === "ArrowRight" && !whole && target.selectionEnd < target.value.length) return;
  event.preventDefault();
  const [rows, row, column] = placeOf(table, target);
  const back = event.key === "Enter" && event.shiftKey ? -1 : 1;
  rows[row + step[0] * back]?.[column + step[1]]?.focus();
}

/* Cells of a spreadsheet come as lines with tabs: they fill what stands right of and below this one. */
function pasted(table, event) {
  const text = event.clipboardData.getData("text/plain").replace(/\r\n?/g, "\n").replace(/\n$/, "");
  if (!/[\t\n]/.test(text)) return;
  event.preventDefault();
  const [rows, row, column] = placeOf(table, event.target);
  for (const [down, line] of text.split("\n").entries()) {
    for (const [right, value] of line.split("\t").entries()) {
      const cell = rows[row + down]?.[column + right];
      if (!cell || cell.readOnly) continue;
      cell.value = value.trim();
      followed(table, cell);
    }
  }
}

/* A number is shown with its marks of thousands, as the server shows it. */
function tidied(input) {
  const number = input.matches("tbody input") && parse(input.value);
  if (number) input.value = written(number);
}

/* The year of a row follows its parts once all are there; each column's sum follows its cells. */
function followed(table, input) {
  input.classList.toggle("changed", input.value !== input.defaultValue);
  if (!table.dataset.totals) return;
  const cells = [...input.closest("tr").querySelectorAll("input")];
  const [year, ...parts] = cells;
  const numbers = parts.map((cell) => parse(cell.value));
  if (input !== year && !year.readOnly && numbers.every(Boolean)) {
    year.value = written(numbers.reduce(add, ZERO));
    year.classList.toggle("changed", year.value !== year.defaultValue);
  }
  const sums = table.querySelector("tr[data-sum]");
  for (const [at, cell] of [...(sums?.querySelectorAll("td[data-rest]") ?? [])].entries()) {
    const all = rowsOf(table).map((row) => parse(row[at]?.value) ?? ZERO);
    cell.textContent = written(all.reduce(add, parse(cell.dataset.rest) ?? ZERO));
  }
}

function written(number) {
  return show(number).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}
