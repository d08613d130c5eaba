/*
 * Lists and what they are seen as: columns are put in order by dragging or by buttons.
 *   [data-sortable] holds items; in each [data-grip] is dragged, [data-up] and [data-down] move it
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
