/*
 * The search box of the top bar as a palette: places of the rail, things to make, and what the server finds. Enter without a choice
 * searches as the plain form does. The address answers {"results": [{label, hint?, url, icon?}]} when asked for JSON.
 */
import { makeCombobox } from "./combobox.js";
import { once, text, whenQuiet } from "./page.js";

export function preparePalette(root) {
  once(root, "form[data-palette]", "palette", (form) => {
    const input = form.querySelector("input[name=q]");
    const list = makeCombobox(input, {
      label: input.getAttribute("aria-label"),
      find: (typed) => find(form, typed.trim()),
      choose: (option) => location.assign(option.url),
    });
    const ask = whenQuiet(140, () => list.open(input.value));
    input.addEventListener("input", (event) => event.isComposing || ask());
    input.addEventListener("compositionend", ask);
    input.addEventListener("focus", () => input.select());
    input.addEventListener("click", () => list.isOpen() || list.open(input.value));
  });
}

async function find(form, typed) {
  const places = commands().filter(({ label }) => label.toLowerCase().includes(typed.toLowerCase()));
  if (!typed) return places.slice(0, 12);
  const address = new URL(form.action);
  address.searchParams.set("q", typed);
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`search answered ${answer.status}`);
  const isJson = answer.headers.get("Content-Type")?.includes("json");
  return [...places.slice(0, 4), ...(isJson ? (await answer.json()).results : [])];
}

function commands() {
  const sprite = (link) => link.querySelector("use")?.getAttribute("href").split("#")[1];
  const read = (selector, hint) =>
    [...document.querySelectorAll(selector)].map((link) => ({
      id: link.href,
      url: link.href,
      icon: sprite(link),
      hint,
      label: (link.querySelector("span:not(.count)") ?? [...link.childNodes].find((node) => node.nodeType === 3)).textContent.trim(),
    }));
  return [...read("#rail .rail-link", text("go")), ...read("#menu-new .menu-item", document.querySelector("[popovertarget=menu-new]")?.textContent.trim())];
}
