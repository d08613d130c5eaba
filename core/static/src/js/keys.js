/*
 * Keyboard shortcuts. Single keys are off while typing and can be switched off for the device (WCAG 2.1.4).
 *   Ctrl/⌘ K search · Ctrl/⌘ S save · / filter · G then a letter: place · N then a letter: new · J K X Enter E rows · ? help
 */
import { isTyping } from "./page.js";
import { pressRowKey } from "./rows.js";

const SWITCH = "odos-single-keys";
let first = "";
let firstAt = 0;

export function prepareKeys() {
  document.addEventListener("keydown", pressed);
  for (const button of document.querySelectorAll("[data-opens]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      button.closest("[popover]")?.hidePopover();
      document.getElementById(button.dataset.opens).showModal();
    });
  }
  const box = document.querySelector("[data-keys-switch]");
  if (!box) return;
  box.checked = areOn();
  box.addEventListener("change", () => localStorage.setItem(SWITCH, box.checked ? "on" : "off"));
}

function areOn() {
  return localStorage.getItem(SWITCH) !== "off";
}

function pressed(event) {
  if (event.defaultPrevented || event.isComposing) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if ((event.ctrlKey || event.metaKey) && !event.altKey) return withControl(event, key);
  if (event.altKey || event.ctrlKey || event.metaKey || isTyping(event.target) || !areOn() || document.querySelector("dialog:modal")) return;
  if (single(key)) event.preventDefault();
}

function withControl(event, key) {
  if (key === "k") {
    event.preventDefault();
    document.querySelector("[data-palette] input")?.focus();
  } else if (key === "s") {
    const form = event.target.closest?.("form[data-guard]") ?? document.querySelector("form[data-guard]");
    if (!form) return;
    event.preventDefault();
    form.requestSubmit(form.querySelector(".btn-primary:not([type=button])"));
  }
}

/** Acts on a key pressed alone; tells whether it meant something. */
function single(key) {
  const pair = Date.now() - firstAt < 1500 ? first : "";
  first = "";
  if (pair === "g") return follow(`[data-go="${CSS.escape(key)}"]`);
  if (pair === "n") return follow(`[data-new="${CSS.escape(key)}"]`);
  if (key === "g" || key === "n") {
    first = key;
    firstAt = Date.now();
    return true;
  }
  if (key === "/") return focus("[data-filter]");
  if (key === "?") return showHelp();
  if (pressRowKey(key)) return true;
  return key === "e" && follow("a[data-edit-record]");
}

function follow(selector) {
  const link = document.querySelector(selector);
  if (link) location.assign(link.href);
  return Boolean(link);
}

function focus(selector) {
  const field = document.querySelector(selector);
  field?.focus();
  field?.select?.();
  return Boolean(field);
}

function showHelp() {
  const help = document.getElementById("keys");
  help?.showModal();
  return Boolean(help);
}
