/*
 * A reference to another record: <select data-lookup="/lookup/<slug>/">, which works by itself with the options the server wrote. Here it
 * becomes a combobox that asks for more. The select stays, unseen, and carries the value, so the posted form is the same.
 * The address answers {"results": [{id, label, hint?, fill?: {part: value}}]}; `fill` goes into empty controls of the same line.
 */
import { makeCombobox } from "./combobox.js";
import { once, whenQuiet } from "./page.js";

export function prepareLookups(root) {
  once(root, "select[data-lookup]:not(:disabled)", "lookup", replace);
}

function replace(select) {
  const box = document.createElement("div");
  const input = document.createElement("input");
  box.className = "combo";
  input.className = select.className;
  input.type = "text";
  input.id = select.id;
  input.required = select.required;
  input.placeholder = select.dataset.placeholder ?? "";
  for (const name of ["aria-label", "aria-describedby", "aria-invalid"]) {
    if (select.hasAttribute(name)) input.setAttribute(name, select.getAttribute(name));
  }
  const current = () => select.selectedOptions[0]?.textContent.trim() ?? "";
  input.value = current();
  select.removeAttribute("id");
  select.required = false;
  select.hidden = true;
  select.before(box);
  box.append(input, select);

  const list = makeCombobox(input, {
    label: input.labels?.[0]?.textContent.trim() || input.getAttribute("aria-label") || "",
    find: (typed) => find(select, typed === current() ? "" : typed),
    choose: (option) => {
      choose(select, option);
      input.value = option.label;
      fill(select, option.fill);
    },
  });
  const ask = whenQuiet(150, () => list.open(input.value));
  input.addEventListener("input", (event) => event.isComposing || ask());
  input.addEventListener("compositionend", ask);
  input.addEventListener("click", () => list.isOpen() || list.open(input.value));
  input.addEventListener("focus", () => input.select());
  fillAnew(select);
  input.addEventListener("blur", () => {
    if (!input.value.trim() && select.value) choose(select, { id: "", label: "" });
    input.value = current();
  });
}

/* What the form's head and the row say already, since what a chosen record fills in may hang on it: the account, the day, how many. */
function asked(select) {
  const address = new URL(select.dataset.lookup, location.href);
  if (!address.searchParams.has("fill")) return address;
  for (const control of select.form?.querySelectorAll('select[name], input[type="date"][name]') ?? []) {
    if (control.value && !control.name.includes(".")) address.searchParams.set(control.name, control.value);
  }
  const quantity = select.closest("[data-line]")?.querySelector('[data-part="quantity"]')?.value;
  if (quantity) address.searchParams.set("quantity", quantity);
  return address;
}

/* Another quantity may have another price: what was filled in, and nobody changed since, is filled anew. */
function fillAnew(select) {
  const row = select.closest("[data-line]");
  if (!row || !asked(select).searchParams.has("fill")) return;
  row.querySelector('[data-part="quantity"]')?.addEventListener("change", async () => {
    const price = row.querySelector('[data-part="unit_price"]');
    if (!select.value || !price?.dataset.filled || price.value !== price.dataset.filled) return;
    const address = asked(select);
    address.searchParams.set("id", select.value);
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (answer.ok) fill(select, (await answer.json()).results[0]?.fill);
  });
}

async function find(select, typed) {
  const address = asked(select);
  address.searchParams.set("q", typed);
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`lookup answered ${answer.status}`);
  return (await answer.json()).results;
}

function choose(select, { id, label }) {
  let option = [...select.options].find((one) => one.value === String(id));
  if (!option) select.append((option = new Option(label, id)));
  option.selected = true;
  select.dispatchEvent(new Event("change", { bubbles: true }));
}

/* The product's price and tax code, where nobody typed others. What was filled here may be filled anew. */
function fill(select, values) {
  const row = select.closest("[data-line]");
  for (const [role, value] of Object.entries((row && values) || {})) {
    const control = row.querySelector(`[data-part="${role}"]`);
    if (!control || (control.value && control.value !== control.dataset.filled)) continue;
    control.value = value ?? "";
    control.dataset.filled = control.value;
    control.dispatchEvent(new Event("change", { bubbles: true }));
  }
}
