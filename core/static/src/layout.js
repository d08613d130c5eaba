/*
 * The designer of layouts (templates/pages/layout.html): tabs, sections and items are dragged, or moved by menus that keys and fingers
 * reach as well. What stands on the page is the layout; it is read off, kept in the form's field, and sent to the preview.
 *   form[data-layout] with content; [data-tabs] is filled from <template data-tab-form>, -section-form, -item-form; [data-palette] holds what is not placed
 */
import Sortable from "sortablejs";
import { whenQuiet } from "./js/page.js";

const PRESS = 150; // ms a finger rests before it drags: shorter is scrolling
const MOST = 60; // steps that can be undone
const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

const form = find("form[data-layout]");
const room = find("[data-tabs]");
const words = find("[data-words]").dataset;
const language = document.documentElement.lang;
const labels = new Map(all("[data-palette] [data-item]").map((row) => [key(row.dataset.item), { text: find(".layout-name", row).textContent, row }]));
const done = [];
const undone = [];
let now = form.elements.content.value;
let target = null; // the section that takes what is placed by its button
let about = null; // what the open menu is about

/** The same thing however its JSON was written. */
function key(text) {
  const item = typeof text === "string" ? JSON.parse(text) : text;
  return Object.keys(item).sort().map((name) => `${name}=${item[name]}`).join("&");
}

/* From the layout to the page ------------------------------------------------------------------------------------------ */

function draw(text) {
  room.replaceChildren(...JSON.parse(text).tabs.map(tabOf));
  target = null;
  offer();
}

function copy(name) {
  return document.importNode(find(`template[data-${name}-form]`).content, true).firstElementChild;
}

function tabOf(tab) {
  const element = copy("tab");
  element.layout = { key: tab.key ?? "", label: tab.label ?? "", labels: tab.labels ?? {} };
  const sections = find("[data-sections]", element);
  sections.append(...tab.sections.map(sectionOf));
  drags(sections, { group: "sections", handle: ".layout-section-head", draggable: ".layout-section" });
  name(element);
  return element;
}

function sectionOf(section) {
  const element = copy("section");
  const { label = "", labels: others = {}, columns = 2, place = "main", folded = false } = section;
  element.layout = { label, labels: others, columns, place, folded };
  const items = find("[data-items]", element);
  items.append(...section.items.map(itemOf));
  drags(items, { group: "items", draggable: ".layout-item" });
  name(element);
  return element;
}

function itemOf(item) {
  const element = copy("item");
  element.layout = item;
  name(element);
  return element;
}

/** What an element is called, and what its menu button says. */
function name(element) {
  const said = titleOf(element);
  find("[data-name]", element).textContent = said;
  find("[data-menu]", element).setAttribute("aria-label", words.menu.replace("%s", said));
  if (!element.matches(".layout-section")) return;
  const { columns, place, folded } = element.layout;
  find("[data-how]", element).textContent = [columns === 1 && words.one, place !== "main" && words[place], folded && words.folded].filter(Boolean).join(" · ");
}

function titleOf(element) {
  if (element.matches(".layout-item")) return labels.get(key(element.layout))?.text ?? Object.values(element.layout)[0];
  const { label, labels: others } = element.layout;
  const own = Object.entries(others).find(([tag, text]) => text && tag.split("-")[0] === language.split("-")[0])?.[1] || label;
  if (own || element.matches(".layout-section")) return own || words.section;
  const list = all(".layout-item", element).find((item) => item.layout.related);
  return (list && titleOf(list)) || (element === room.firstElementChild || !element.isConnected ? words.overview : words.tab);
}

function drags(list, more) {
  Sortable.create(list, { animation: 120, delay: PRESS, delayOnTouchOnly: true, ghostClass: "is-ghost", filter: "button", preventOnFilter: false, onEnd: changed, ...more });
}

/** What is not placed, in the palette. */
function offer() {
  const placed = new Set(all(".layout-item", room).map((item) => key(item.layout)));
  const asked = find("[data-find]").value.trim().toLowerCase();
  for (const [name, { row, text }] of labels) row.hidden = placed.has(name) || !text.toLowerCase().includes(asked);
}

/* From the page to the layout ------------------------------------------------------------------------------------------ */

function read() {
  return JSON.stringify({
    tabs: all(".layout-tab", room).map((tab) => ({
      ...tab.layout,
      sections: all(".layout-section", tab).map((section) => ({ ...section.layout, items: all(".layout-item", section).map((item) => item.layout) })),
    })),
  });
}

/** Something changed: it can be undone, and the preview shows it. */
function changed() {
  const text = read();
  if (text === now) return;
  done.push(now);
  if (done.length > MOST) done.shift();
  undone.length = 0;
  keep(text);
  for (const tab of all(".layout-tab", room)) name(tab);
  offer();
}

function keep(text) {
  now = form.elements.content.value = text;
  form.dataset.changed = "";
  find("[data-undo]").disabled = !done.length;
  find("[data-redo]").disabled = !undone.length;
  show();
}

function step(from, to, said) {
  if (!from.length) return;
  to.push(now);
  const text = from.pop();
  draw(text);
  keep(text);
  say(said);
}

function say(sentence) {
  find("[data-said]").textContent = sentence;
}

/* The preview ---------------------------------------------------------------------------------------------------------- */

const show = whenQuiet(350, () => {
  const sender = find("form[data-preview]");
  const address = new URL(sender.action);
  address.searchParams.set("as", find("[data-as]").value);
  sender.action = address;
  sender.elements.content.value = now;
  sender.submit();
});

if (innerWidth < 992) find("[data-width]").value = "390"; // a desk's page would be too small to read there

function fit() {
  const frame = find("[data-frame]");
  const page = find("iframe", frame);
  const width = Number(find("[data-width]").value);
  const scale = Math.min(1, frame.clientWidth / width);
  page.style.width = `${width}px`;
  page.style.transform = `scale(${scale})`;
  page.style.height = `${frame.clientHeight / scale}px`;
}

/* Menus and buttons ---------------------------------------------------------------------------------------------------- */

const SECTION = ["rename", "one", "two", "top", "main", "side", "fold", "up", "down", "remove"];
const MENUS = { tab: ["rename", "up", "down", "remove"], section: SECTION, item: ["up", "down", "before", "after", "remove"] };

function kindOf(element) {
  return ["item", "section", "tab"].find((kind) => element.matches(`.layout-${kind}`));
}

function openMenu(button) {
  const menu = document.getElementById("layout-menu");
  about = button.closest(".layout-item, .layout-section, .layout-tab");
  const fits = MENUS[kindOf(about)];
  for (const choice of all("[data-do]", menu)) choice.hidden = !fits.includes(choice.dataset.do);
  menu.showPopover({ source: button });
  const box = button.getBoundingClientRect();
  if (matchMedia("(min-width: 992px)").matches) {
    menu.style.setProperty("position-area", "none");
    menu.style.top = `${Math.max(4, Math.min(box.bottom + 4, innerHeight - menu.offsetHeight - 8))}px`;
    menu.style.left = `${Math.max(4, Math.min(box.right - menu.offsetWidth, innerWidth - menu.offsetWidth - 4))}px`;
  }
  find("[data-do]:not([hidden])", menu).focus();
}

const deeds = {
  up: (one) => one.previousElementSibling?.before(one),
  down: (one) => one.nextElementSibling?.after(one),
  before: (one) => neighbour(one, -1)?.append(one),
  after: (one) => neighbour(one, 1)?.prepend(one),
  one: (one) => (one.layout.columns = 1),
  two: (one) => (one.layout.columns = 2),
  top: (one) => (one.layout.place = "top"),
  main: (one) => (one.layout.place = "main"),
  side: (one) => (one.layout.place = "side"),
  fold: (one) => (one.layout.folded = !one.layout.folded),
  remove: (one) => (one.matches(".layout-tab") && room.children.length === 1) || one.remove(),
};

function neighbour(item, by) {
  const lists = all("[data-items]", room);
  return lists[lists.indexOf(item.parentElement) + by];
}

function act(deed) {
  const one = about;
  const said = titleOf(one);
  document.getElementById("layout-menu").hidePopover();
  if (deed === "rename") return rename(one);
  deeds[deed](one);
  if (one.matches(".layout-section")) name(one);
  changed();
  say(words[deed === "remove" ? "removed" : "moved"].replace("%s", said));
  (one.isConnected ? find("[data-menu]", one) : find("[data-find]"))?.focus();
}

function rename(one) {
  const dialog = document.getElementById("layout-rename");
  for (const input of all("[data-tag]", dialog)) input.value = (input.dataset.tag === "en" ? one.layout.label : one.layout.labels[input.dataset.tag]) ?? "";
  dialog.returnValue = "";
  dialog.showModal();
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "yes") return;
    const typed = Object.fromEntries(all("[data-tag]", dialog).map((input) => [input.dataset.tag, input.value.trim()]));
    one.layout.label = typed.en;
    one.layout.labels = Object.fromEntries(Object.entries(typed).filter(([tag, text]) => tag !== "en" && text));
    name(one);
    changed();
    find("[data-menu]", one).focus();
  }, { once: true });
}

function place(row) {
  const section = target?.isConnected ? target : find(".layout-section", room) ?? add(find("[data-sections]", room), sectionOf({ items: [] }));
  const item = itemOf(JSON.parse(row.dataset.item));
  find("[data-items]", section).append(item);
  changed();
  say(words.placed.replace("%s", titleOf(item)));
}

function add(parent, child) {
  parent.append(child);
  return child;
}

function newKey() {
  const taken = new Set(all(".layout-tab", room).map((tab) => tab.layout.key));
  let number = room.children.length + 1;
  while (taken.has(`tab-${number}`)) number += 1;
  return `tab-${number}`;
}

document.addEventListener("click", ({ target: pressed }) => {
  const button = pressed.closest("button");
  if (!button) return;
  if (button.matches("[data-menu]")) openMenu(button);
  else if (button.matches("#layout-menu [data-do]")) act(button.dataset.do);
  else if (button.matches("[data-place]")) place(button.closest("[data-item]"));
  else if (button.matches("[data-undo]")) step(done, undone, words.undone);
  else if (button.matches("[data-redo]")) step(undone, done, words.redone);
  else if (button.matches("[data-add-section]")) {
    target = add(find("[data-sections]", button.closest(".layout-tab")), sectionOf({ items: [] }));
    changed();
    rename(target);
  } else if (button.matches("[data-add-tab]")) {
    const tab = add(room, tabOf({ key: newKey(), label: "", sections: [{ items: [] }] }));
    target = find(".layout-section", tab);
    changed();
    rename(tab);
  }
});
room.addEventListener("focusin", (event) => (target = event.target.closest(".layout-section") ?? target));
room.addEventListener("pointerdown", (event) => (target = event.target.closest(".layout-section") ?? target));
find("[data-find]").addEventListener("input", offer);
for (const select of all("[data-width], [data-as]")) select.addEventListener("change", () => (fit(), show()));
addEventListener("resize", fit);
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || event.target.matches("input")) return;
  event.preventDefault();
  if (event.shiftKey) step(undone, done, words.redone);
  else step(done, undone, words.undone);
});

for (const list of all("[data-palette]")) {
  Sortable.create(list, {
    group: { name: "items", pull: "clone", put: false }, sort: false, draggable: ".layout-item", filter: "button", preventOnFilter: false,
    delay: PRESS, delayOnTouchOnly: true, ghostClass: "is-ghost",
    onEnd: ({ item, to, from }) => {
      if (to === from) return;
      item.replaceWith(itemOf(JSON.parse(item.dataset.item)));
      all("[data-palette] [data-item]").forEach((row) => labels.has(key(row.dataset.item)) && (labels.get(key(row.dataset.item)).row = row));
      changed();
    },
  });
}
drags(room, { handle: ".card-head", draggable: ".layout-tab" });
draw(now);
fit();
show();
