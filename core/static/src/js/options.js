/*
 * Rows in an order of one's own, and choices that hang on another choice.
 *   [data-options] holds .option-row, [data-add] makes one more; [data-order] holds [data-item] and sends itself when one was moved.
 *   select[data-depends="<id>"] offers of option[data-for] those that go with what is chosen there.
 */
import { once } from "./page.js";

export function prepareOptions(root) {
  once(root, "[data-options]", "options", (editor) => {
    const list = editor.querySelector(".option-rows");
    const add = editor.querySelector("[data-add]");
    add.hidden = false;
    for (const row of list.children) open(row);
    movable(list, ".option-row", () => changed(editor));
    add.addEventListener("click", () => more(list).querySelector("[name='option.label']").focus());
    editor.addEventListener("click", (event) => {
      const way = event.target.closest("[data-move]")?.dataset.move;
      if (way) step(list, event.target.closest(".option-row"), way);
    });
    editor.addEventListener("keydown", (event) => {
      const row = event.target.closest(".option-row");
      if (!row) return;
      if (event.key === "Enter" && event.target.name === "option.label") {
        event.preventDefault(); // Enter goes on to the next option; it never sends the form
        (row.nextElementSibling ?? more(list)).querySelector("[name='option.label']").focus();
      } else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
        event.preventDefault();
        step(list, row, event.key === "ArrowUp" ? "up" : "down");
        event.target.focus();
      }
    });
  });
  once(root, "[data-order]", "order", (form) => {
    for (const grip of form.querySelectorAll(".option-grip")) grip.hidden = false;
    movable(form.querySelector("ol"), "[data-item]", () => form.requestSubmit());
  });
  once(root, "select[data-depends]", "depends", (select) => {
    const other = document.getElementById(select.dataset.depends);
    if (!other) return;
    const narrow = () => {
      for (const option of select.options) {
        const fits = !option.dataset.for || option.dataset.for.split(" ").includes(other.value);
        option.hidden = option.disabled = !fits;
        if (!fits) option.selected = false;
      }
    };
    other.addEventListener("change", narrow);
    narrow();
  });
}

function open(row) {
  for (const hidden of row.querySelectorAll(".option-grip, .option-moves")) hidden.hidden = false;
}

/** One blank row more, like the last. */
function more(list) {
  const row = list.lastElementChild.cloneNode(true);
  for (const control of row.querySelectorAll("input, select")) control.value = "";
  list.append(row);
  open(row);
  return row;
}

function step(list, row, way) {
  if (way === "out") {
    if (list.children.length === 1) more(list);
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    next.querySelector("[name='option.label']").focus();
  } else if (way === "up") row.previousElementSibling?.before(row);
  else row.nextElementSibling?.after(row);
  changed(list);
}

function changed(inside) {
  inside.dispatchEvent(new Event("change", { bubbles: true }));
}

/** Rows that are dragged by their grip. Keys and buttons move them as well. */
function movable(list, selector, done) {
  let dragged = null;
  list.addEventListener("dragstart", (event) => {
    dragged = event.target.closest(".option-grip")?.closest(selector);
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    dragged.classList.add("dragged");
  });
  list.addEventListener("dragover", (event) => {
    const over = event.target.closest(selector);
    if (!dragged || !over) return;
    event.preventDefault();
    if (over === dragged) return;
    const box = over.getBoundingClientRect();
    if (event.clientY > box.top + box.height / 2) over.after(dragged);
    else over.before(dragged);
  });
  list.addEventListener("drop", (event) => dragged && event.preventDefault());
  list.addEventListener("dragend", () => {
    if (!dragged) return;
    dragged.classList.remove("dragged");
    dragged = null;
    done();
  });
}
