/*
 * A text input with a list under it, by the ARIA combobox pattern: arrows, Enter, Escape, Tab, pointer. Where options come from and
 * what choosing one does is the caller's business (lookup.js, palette.js).
 */
import { icon, text } from "./page.js";

let counter = 0;

/**
 * @param {HTMLInputElement} input
 * @param {{find: (typed: string) => Promise<Array>, choose: (option: object) => void, label?: string}} source
 *   an option is {id, label, hint?, url?, icon?}; find may reject, the list then says that it could not be read
 */
export function makeCombobox(input, source) {
  const list = document.createElement("div");
  list.id = `options-${++counter}`;
  list.className = "options";
  list.popover = "manual";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", source.label || text("results"));
  input.closest("form, dialog, body").append(list);
  const isText = input instanceof HTMLTextAreaElement; // stays a text: arrows move in it, and no other role fits it
  const roles = isText ? [] : [["role", "combobox"], ["aria-expanded", "false"]];
  for (const [name, value] of [...roles, ["aria-autocomplete", "list"], ["aria-controls", list.id]]) input.setAttribute(name, value);
  input.autocomplete = "off";

  let shown = [];
  let active = -1;
  let asked = 0;

  function place() {
    const box = input.getBoundingClientRect();
    const below = innerHeight - box.bottom;
    const height = Math.min(list.scrollHeight + 2, innerHeight / 2, 320);
    const up = below < height + 8 && box.top > below;
    list.style.minWidth = `${box.width}px`;
    list.style.left = `${Math.max(4, Math.min(box.left, innerWidth - Math.max(box.width, list.offsetWidth) - 4))}px`;
    list.style.top = up ? "auto" : `${box.bottom + 3}px`;
    list.style.bottom = up ? `${innerHeight - box.top + 3}px` : "auto";
  }

  function close() {
    asked += 1;
    active = -1;
    if (list.matches(":popover-open")) list.hidePopover();
    if (!isText) input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function note(sentence) {
    const line = document.createElement("div");
    line.className = "options-note";
    line.setAttribute("role", "option");
    line.setAttribute("aria-disabled", "true");
    line.textContent = sentence;
    list.replaceChildren(line);
    shown = [];
  }

  function render(options) {
    shown = options;
    active = -1;
    input.removeAttribute("aria-activedescendant");
    if (!options.length) note(text("nothing"));
    else list.replaceChildren(...options.map((option, index) => draw(option, index, list.id)));
    if (!list.matches(":popover-open")) list.showPopover();
    if (!isText) input.setAttribute("aria-expanded", "true");
    place();
  }

  async function open(typed) {
    const mine = ++asked;
    try {
      const options = await source.find(typed);
      if (mine === asked && document.activeElement === input) render(options);
    } catch {
      if (mine !== asked || document.activeElement !== input) return;
      render([]);
      note(text("offline"));
    }
  }

  /* Without those that no longer fit what was typed meanwhile; the next answer may bring others. */
  function narrow(fits) {
    const left = shown.filter(fits);
    if (!left.length) close();
    else if (left.length < shown.length) render(left);
  }

  function activate(index) {
    if (!shown.length) return;
    active = (index + shown.length) % shown.length;
    [...list.children].forEach((line, at) => line.setAttribute("aria-selected", String(at === active)));
    list.children[active].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", list.children[active].id);
  }

  function choose(index) {
    const option = shown[index];
    close();
    if (option) source.choose(option);
  }

  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const isOpen = list.matches(":popover-open");
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && (isOpen || !isText)) {
      event.preventDefault();
      if (isOpen) activate(active + (event.key === "ArrowDown" ? 1 : active < 0 ? 0 : -1));
      else open(input.value);
    } else if (event.key === "Enter" && isOpen && active >= 0) {
      event.preventDefault();
      choose(active);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Tab" && isOpen && active >= 0) {
      choose(active);
    }
  });
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the input keeps the focus
  list.addEventListener("click", (event) => {
    const line = event.target.closest("[data-index]");
    if (line) choose(Number(line.dataset.index));
  });
  input.addEventListener("blur", close);
  addEventListener("scroll", (event) => list.matches(":popover-open") && event.target !== list && place(), true);

  return { open, close, narrow, isOpen: () => list.matches(":popover-open") };
}

function draw(option, index, listId) {
  const line = document.createElement("div");
  line.id = `${listId}-${index}`;
  line.className = "option";
  line.dataset.index = index;
  line.setAttribute("role", "option");
  line.setAttribute("aria-selected", "false");
  if (option.icon) line.append(icon(option.icon));
  const label = document.createElement("span");
  label.textContent = option.label;
  line.append(label);
  if (option.hint) {
    const hint = document.createElement("small");
    hint.textContent = option.hint;
    line.append(hint);
  }
  return line;
}
