/* Short messages at the foot of the page. Those of failures stay until closed; the rest leave after six seconds, not while looked at. */
import { icon, text } from "./page.js";

export function prepareToasts() {
  for (const shown of document.querySelectorAll("#toasts > .toast")) arm(shown);
  document.addEventListener("toast", ({ detail }) => toast(detail.text, detail.tone)); // by the HX-Trigger header
}

/** @param {"" | "up" | "late"} tone */
export function toast(sentence, tone = "") {
  const shown = document.createElement("div");
  const words = document.createElement("div");
  shown.className = `toast${tone ? ` toast-${tone}` : ""}`;
  words.textContent = sentence;
  shown.append(words);
  document.getElementById("toasts")?.append(shown);
  arm(shown);
}

function arm(shown) {
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn btn-icon btn-ghost btn-sm";
  close.setAttribute("aria-label", text("close"));
  close.append(icon("x"));
  close.addEventListener("click", () => shown.remove());
  shown.append(close);
  if (shown.classList.contains("toast-late")) return;
  let timer;
  const leave = () => (timer = setTimeout(() => shown.remove(), 6000));
  for (const kind of ["pointerenter", "focusin"]) shown.addEventListener(kind, () => clearTimeout(timer));
  for (const kind of ["pointerleave", "focusout"]) shown.addEventListener(kind, leave);
  leave();
}
