/*
 * Board and calendar (templates/object/board.html, calendar.html): cards are dragged, or sent by a menu that keys and fingers reach as well.
 * Either way the same small form is sent, and the page the server answers with replaces this one; a card that may not move is back in its place.
 *   [data-board]; [data-column="<value>"] holds [data-card="<id>"][data-version]; [data-moves] marks those that may move
 *   dialog[data-asks] asks for what a column wants to be filled in first
 *   .board-more ends a column that goes on: its link asks for the next cards when it is pressed or comes into view
 *   [data-move] opens the menu; form[data-mover] takes id and version; its buttons are the columns, or an input[name=value] takes the day
 */
import Sortable from "sortablejs";
import { once } from "./js/page.js";

const PRESS = 150; // ms a finger rests on a card before it is dragged: shorter is scrolling
let last = ""; // the card moved last: it keeps the focus
let putBack = () => {};

function prepare() {
  once(document, "[data-board]", "board", (board) => {
    board.addEventListener("click", (event) => pressed(event));
    board.addEventListener("keydown", (event) => event.key === " " && event.target.matches("[data-move]") && pressed(event));
  });
  once(document, "[data-column]", "column", (column) => {
    if (!mover()) return;
    Sortable.create(column, {
      group: "board", draggable: "[data-moves]", sort: false, animation: 120, delay: PRESS, delayOnTouchOnly: true, ghostClass: "is-ghost",
      onEnd: dropped,
    });
  });
  for (const button of document.querySelectorAll("[data-move]")) button.setAttribute("role", "button");
  once(document, "dialog[data-asks]", "asks", ask);
}

/* What the column a card was sent to asks for: above the board, until it is filled in or dismissed. */
function ask(dialog) {
  dialog.removeAttribute("open"); // it is open for browsers without a script; to close it would tell of it later
  dialog.showModal();
  const id = dialog.querySelector("input[name=id]").value;
  dialog.addEventListener("click", (event) => {
    if (!event.target.closest("[data-dismiss]")) return;
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    document.querySelector(`[data-card="${CSS.escape(id)}"] .board-title`)?.focus();
  });
  dialog.querySelector(".dialog-body .control")?.focus();
}

function mover() {
  return document.querySelector("form[data-mover]");
}

function dropped({ item, from, to, oldIndex }) {
  if (from === to) return;
  name(mover(), item, from.dataset.column);
  putBack = () => from.insertBefore(item, from.children[oldIndex] ?? null);
  send(to.dataset.column) || putBack();
}

/** Sends the card that was named to a column; whether that column can be chosen. */
function send(column) {
  const form = mover();
  const day = form.querySelector("input[name=value]");
  const button = form.querySelector(day ? "[data-go]" : `button[value="${CSS.escape(column)}"]`);
  if (!button || form.dataset.sending !== undefined) return false;
  if (day) day.value = column;
  form.requestSubmit(button);
  return true;
}

/** Which card the form is about, and where it is taken from. */
function name(form, card, here) {
  form.elements.namedItem("id").value = last = card.dataset.card;
  form.elements.namedItem("version").value = card.dataset.version;
  const shown = form.elements.namedItem("shown");
  if (shown) shown.value = Math.max(...Array.from(document.querySelectorAll("[data-column]"), (column) => column.querySelectorAll("[data-card]").length));
  for (const word of ["from", "value"]) if (form.elements.namedItem(word)?.matches?.("input")) form.elements.namedItem(word).value = here;
}

function pressed(event) {
  const opener = event.target.closest("[data-move]");
  const menu = document.getElementById("board-menu");
  if (!opener || !menu || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const card = opener.closest("[data-card]");
  const here = card.closest("[data-column]").dataset.column;
  name(mover(), card, here);
  for (const button of menu.querySelectorAll("button[name=value]")) button.hidden = button.value === here;
  menu.showPopover({ source: opener });
  place(menu, opener);
}

/* Beside its button on a desk; on a phone the style sheet lets it rise from the foot. */
function place(menu, opener) {
  menu.removeAttribute("data-placed");
  for (const side of ["top", "left", "right", "position-area"]) menu.style.removeProperty(side);
  if (!matchMedia("(min-width: 992px)").matches) return;
  const box = opener.getBoundingClientRect();
  menu.style.setProperty("position-area", "none");
  menu.style.top = `${Math.max(4, Math.min(box.bottom + 4, innerHeight - menu.offsetHeight - 8))}px`;
  menu.style.left = `${Math.max(4, Math.min(box.right - menu.offsetWidth, innerWidth - menu.offsetWidth - 4))}px`;
}

/* More cards came behind the link that asked for them: it gives way, and a card that was moved there meanwhile stands where it stands now. */
function goesOn(link) {
  const last = link.closest("li");
  const first = last.nextElementSibling;
  for (let card = first; card; card = card.nextElementSibling) {
    for (const other of document.querySelectorAll(`[data-card="${CSS.escape(card.dataset.card ?? "")}"]`)) if (other !== card) other.remove();
  }
  const focused = last.contains(document.activeElement);
  last.remove();
  prepare();
  if (focused) first?.querySelector("a")?.focus();
}

/* Whether what came is about the board: the bell's count and its like come while a card is on its way, and say nothing of it. */
function ours({ detail }) {
  return detail.ctx?.target?.id === "list";
}

document.addEventListener("submit", (event) => event.target.matches("form[data-mover]") && document.getElementById("board-menu").hidePopover());
document.addEventListener("htmx:error", (event) => ours(event) && putBack());
document.addEventListener("htmx:response:error", (event) => ours(event) && event.detail.ctx.response.raw.status >= 500 && putBack());
document.addEventListener("htmx:after:swap", (event) => {
  const asked = event.detail.ctx?.sourceElement;
  if (asked?.matches?.(".board-more > a")) goesOn(asked);
  if (!ours(event)) return;
  prepare();
  const moved = last && document.querySelector(`[data-card="${CSS.escape(last)}"] .board-title`);
  if (moved) moved.focus({ preventScroll: false });
  last = "";
  putBack = () => {};
});
prepare();
