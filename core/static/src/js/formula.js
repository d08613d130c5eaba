/*
 * The formula editor, <div data-formula="/formulas/complete/">: what fits next where the formula is written, and words that are put into it.
 * What the formula gives is asked by htmx in the markup. Without this the text is a plain one.
 */
import { makeCombobox } from "./combobox.js";
import { once, whenQuiet } from "./page.js";

const WRITING = /(?:[\p{L}\p{N}_.]|[=＝>≠]\s*['"“‘「])$/u; // a word, or a text that begins after a comparison
const WORD = /[\p{L}\p{N}_.]*$/u;
const REACH = 400; // characters before the caret that tell what may follow

export function prepareFormulas(root) {
  once(root, "[data-formula]", "formula", prepare);
}

function prepare(box) {
  const area = box.querySelector("textarea");
  const list = makeCombobox(area, {
    label: area.labels?.[0]?.textContent.trim() ?? "",
    find: () => find(box, area),
    choose: (option) => put(area, option.insert, Math.min(option.start, area.selectionStart)),
  });
  const propose = whenQuiet(120, () => (WRITING.test(before(area)) ? list.open("") : list.close()));
  area.addEventListener("input", (event) => {
    if (event.isComposing) return;
    if (list.isOpen()) list.narrow(fits(area));
    propose();
  });
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

/* Whether an option still fits the word before the caret. */
function fits(area) {
  const word = before(area).match(WORD)[0].toLowerCase();
  return ({ insert, label, hint }) => [insert, label, hint].some((text) => text?.toLowerCase().includes(word));
}

/* Options know their place in the text, wherever the caret has gone when one is chosen. */
async function find(box, area) {
  const [typed, caret] = [before(area), area.selectionStart];
  const address = new URL(box.dataset.formula, location.href);
  address.searchParams.set("type", area.form?.elements.type?.value || box.dataset.type);
  address.searchParams.set("text", typed);
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(answer.status);
  const found = (await answer.json()).results.map((option) => ({ ...option, start: caret + option.start }));
  return before(area) === typed ? found : found.filter(fits(area));
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
