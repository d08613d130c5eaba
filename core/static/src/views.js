/*
 * Lists and what they are seen as: columns are put in order by dragging or by buttons.
 *   [data-sortable] holds items; in each [data-grip] is dragged, [data-up] and [data-down] move it
 *   [data-sets] holds lines of a tick and a control: what is typed ticks its line
 */
import Sortable from "sortablejs";
import { once } from "./js/page.js";

function prepare() {
  once(document, "[data-sortable]", "sortable", (list) => {
    Sortable.create(list, { handle: "[data-grip]", animation: 120, ghostClass: "is-ghost" });
    for (const button of list.querySelectorAll("[data-up], [data-down]")) button.hidden = false;
    list.addEventListener("click", (event) => moved(event));
  });
}

function ticked(event) {
  const line = event.target.closest("[data-sets] .set-line");
  const box = line?.querySelector("input[name=bulk-set]");
  if (box && event.target !== box) box.checked = true;
}

for (const kind of ["input", "change"]) document.addEventListener(kind, ticked);

function moved(event) {
  const button = event.target.closest("[data-up], [data-down]");
  const item = button?.closest("li");
  if (!item) return;
  if (button.matches("[data-up]")) item.previousElementSibling?.before(item);
  else item.nextElementSibling?.after(item);
  button.focus();
  item.scrollIntoView({ block: "nearest" });
}

document.addEventListener("htmx:after:swap", prepare);
prepare();
