/*
 * The editor of a document's lines (templates/parts/lines.html): rows are added and removed in place, Enter and the arrows move,
 * and the sums run along. The server counts again; what is shown here is a preview by the same rule.
 */
import { ZERO, add, multiply, parse, parsePercent, round, show, subtract } from "./decimal.js";
import { once } from "./page.js";
import { prepareLookups } from "./lookup.js";

const ONE = { units: 1n, scale: 0 };

export function prepareLines(root) {
  once(root, "[data-lines]", "lines", (editor) => {
    editor.addEventListener("click", (event) => pressed(editor, event));
    editor.addEventListener("keydown", (event) => typed(editor, event));
    editor.addEventListener("input", () => sumUp(editor));
    editor.addEventListener("change", () => sumUp(editor));
    preparePicks(editor);
    followCurrency(editor);
    sumUp(editor);
  });
}

/* The currency chosen in the form names the sums and says to how many places they are rounded; without a choice the server has said it. */
function followCurrency(editor) {
  const choice = (editor.closest("form") ?? document).querySelector("select[name=currency]");
  choice?.addEventListener("change", () => sumUp(editor));
}

function currencyOf(form, editor) {
  const code = form.querySelector("select[name=currency]")?.value;
  if (!code) return { code: editor.dataset.currency, minor: Number(editor.dataset.minor) };
  if (code === editor.dataset.currency) return { code, minor: Number(editor.dataset.minor) };
  return { code, minor: new Intl.NumberFormat("en", { style: "currency", currency: code }).resolvedOptions().maximumFractionDigits };
}

/* Rows to pick from: all that is left, or none, at one press. */
function preparePicks(editor) {
  const tools = editor.querySelector("[data-picks]");
  if (!tools) return;
  tools.hidden = false;
  tools.addEventListener("click", ({ target }) => {
    const all = target.closest("[data-pick-all]");
    if (!all && !target.closest("[data-pick-none]")) return;
    for (const control of editor.querySelectorAll("[data-pick] .num input.control")) control.value = all ? control.defaultValue : "";
    editor.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

function rowsOf(editor) {
  return [...editor.querySelectorAll("[data-rows] > [data-line]")];
}

function pressed(editor, event) {
  const button = event.target.closest("button[name=add], button[name=remove]");
  if (!button) return;
  event.preventDefault();
  if (button.name === "add") addRow(editor)?.querySelector(".control")?.focus();
  else removeRow(editor, button.closest("[data-line]"));
}

function addRow(editor) {
  const blank = editor.querySelector("template[data-blank]");
  if (!blank) return null;
  const name = editor.dataset.lines;
  const taken = [...editor.querySelectorAll(`[data-rows] [name^="${name}."], [data-rows] button[name=remove]`)]
    .map((element) => (element.name === "remove" ? element.value : element.name))
    .map((path) => Number(path.split(".")[1]));
  const index = Math.max(-1, ...taken) + 1;
  const row = document.importNode(blank.content, true).firstElementChild;
  for (const element of row.querySelectorAll("[name], [id], [value], [aria-describedby]")) {
    for (const attribute of ["name", "id", "value", "aria-describedby"]) {
      const value = element.getAttribute(attribute);
      if (value?.includes("__n__")) element.setAttribute(attribute, value.replaceAll("__n__", index));
    }
  }
  editor.querySelector("[data-rows]").append(row);
  prepareLookups(editor);
  sumUp(editor);
  return row;
}

function removeRow(editor, row) {
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  (next?.querySelector(".control") ?? editor.querySelector("button[name=add]"))?.focus();
  sumUp(editor);
  editor.dispatchEvent(new Event("change", { bubbles: true }));
}

/* Enter and the vertical arrows stay in the column; Enter in the last row adds one. */
function typed(editor, event) {
  const control = event.target;
  if (!control.matches("input.control") || event.isComposing || event.defaultPrevented) return;
  if (control.getAttribute("role") === "combobox" && event.key !== "Enter") return;
  const step = { Enter: 1, ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const rows = rowsOf(editor);
  const cell = control.closest("td");
  const target = rows[rows.indexOf(cell.parentElement) + step] ?? (event.key === "Enter" ? addRow(editor) : null);
  const next = target?.children[cell.cellIndex]?.querySelector("input.control, select.control");
  next?.focus();
  next?.select?.();
}

function part(row, role) {
  return row.querySelector(`[data-part="${role}"]`);
}

/** Whether nothing was typed in a row yet: it counts for nothing and shows nothing. */
function isBlank(row) {
  return [...row.querySelectorAll("input.control:not([type=hidden])")].every((control) => !control.value.trim());
}

/** Net of one row, or null while something in it is no number yet. */
function netOf(row, minor) {
  const amount = part(row, "amount");
  if (amount) return amount.value.trim() ? mark(amount, parse(amount.value)) && round(parse(amount.value), minor) : ZERO;
  const [quantity, price, discount] = ["quantity", "unit_price", "discount"].map((role) => part(row, role));
  if (!quantity || !price || (!quantity.value.trim() && !price.value.trim())) return ZERO;
  const q = mark(quantity, parse(quantity.value || "0"));
  const p = mark(price, parse(price.value || "0"));
  const d = discount?.value.trim() ? mark(discount, parsePercent(discount.value)) : ZERO;
  return q && p && d && round(multiply(multiply(q, p), subtract(ONE, d)), minor);
}

/** Shows at once that a control holds no number; the sentence comes from the server. */
function mark(control, number) {
  if (!control.closest("td").querySelector(".error")) control.toggleAttribute("data-bad", !number);
  return number;
}

function rateOf(row) {
  const select = part(row, "tax_code");
  const option = select?.selectedOptions?.[0];
  return option?.dataset.rate ? { code: option.value, rate: parse(option.dataset.rate) } : null;
}

/* Tax is rounded once per tax code of the document, over lines and charges together. */
function sumUp(editor) {
  const form = editor.closest("form") ?? document;
  const sums = { net: ZERO, charges: ZERO };
  const taxed = new Map();
  let minor = 2;
  for (const one of form.querySelectorAll("[data-lines]")) {
    const { code, minor: places } = currencyOf(form, one);
    minor = places;
    for (const place of one.querySelectorAll("[data-total-in]")) place.textContent = code;
    const into = one.dataset.lines === "charges" ? "charges" : "net";
    for (const row of rowsOf(one)) {
      const net = netOf(row, minor);
      const output = row.querySelector("[data-net]");
      if (output) output.value = isBlank(row) ? "" : net ? show(round(net, minor)) : "–";
      if (!net) continue;
      sums[into] = add(sums[into], net);
      const tax = rateOf(row);
      if (tax) taxed.set(tax.code, { rate: tax.rate, base: add(taxed.get(tax.code)?.base ?? ZERO, net) });
    }
  }
  sums.tax = [...taxed.values()].reduce((sum, { rate, base }) => add(sum, round(multiply(base, rate), minor)), ZERO);
  sums.total = add(add(sums.net, sums.charges), sums.tax);
  for (const [key, number] of Object.entries(sums)) {
    for (const place of form.querySelectorAll(`[data-total="${key}"]`)) place.textContent = show(round(number, minor));
  }
}
