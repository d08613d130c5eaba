/*
 * The formula editor, <div data-formula="/formulas/complete/">: what fits next where the formula is written, and words that are put into it.
 * What the formula gives is asked by htmx in the markup. Without this the text is a plain one.
 */
import { makeCombobox } from "./combobox.js";
import { once, whenQuiet } from "./page.js";

const WRITING = /(?:[\p{L}\p{N}_.]|[=＝>≠]\s*['"“‘「])$/u; // a word, or a text that begins after a comparison
const REACH = 400; // characters before the caret that tell what may follow

export function prepareFormulas(root) {
  once(root, "[data-formula]", "formula", prepare);
}

function prepare(box) {
  const area = box.querySelector("textarea");
  const list = makeCombobox(area, {
    label: area.labels?.[0]?.textContent.trim() ?? "",
    find: () => find(box, area),
    choose: (option) => put(area, option.insert, area.selectionStart + option.start),
  });
  const propose = whenQuiet(120, () => (WRITING.test(before(area)) ? list.open("") : list.close()));
  area.addEventListener("input", (event) => event.isComposing || propose());
  area.addEventListener("compositionend", propose);
  area.addEventListener("keydown", (event) => {
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      list.open("");
    }
  });
  area.addEventListener("click", list.close);
  box.addEventListener("click", (event) => {
    const word = event.target.closest("[data-insert]");
    if (word) put(area, word.dataset.insert, area.selectionStart);
  });
}

const before = (area) => area.value.slice(Math.max(0, area.selectionStart - REACH), area.selectionStart);

async function find(box, area) {
  const address = new URL(box.dataset.formula, location.href);
  address.searchParams.set("type", area.form?.elements.type?.value || box.dataset.type);
  address.searchParams.set("text", before(area));
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(answer.status);
  return (await answer.json()).results;
}

/* The word goes in place of what was typed of it, by the way that can be undone with Ctrl+Z. */
function put(area, insert, start) {
  const end = area.selectionEnd;
  area.focus();
  area.setSelectionRange(start, end);
  if (!document.execCommand("insertText", false, insert)) {
    area.setRangeText(insert, start, end, "end");
    area.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
}
