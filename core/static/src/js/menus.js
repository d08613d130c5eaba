/* Menus are popovers and open without help. Here: arrows inside them, and their place where a browser cannot anchor them itself. */

const ANCHORS = CSS.supports("position-area", "bottom");

export function prepareMenus() {
  document.addEventListener("toggle", opened, true);
  document.addEventListener("keydown", moved);
}

function opened(event) {
  const menu = event.target;
  if (event.newState !== "open" || !menu.matches?.(".menu")) return;
  const button = document.querySelector(`[popovertarget="${menu.id}"]`);
  if (!ANCHORS && matchMedia("(min-width: 992px)").matches && button) {
    const box = button.getBoundingClientRect();
    menu.style.top = `${box.bottom + 4}px`;
    menu.style.right = `${Math.max(4, innerWidth - box.right)}px`;
  }
  if (menu.contains(document.activeElement)) return; // told a moment after it opened: whoever moved on already stays there
  [...menu.querySelectorAll(".menu-item, .control")].find((item) => item.checkVisibility())?.focus();
}

function moved(event) {
  const menu = event.target.closest?.(".menu");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!menu || !step || event.target.matches("input, select, textarea")) return;
  event.preventDefault();
  const items = [...menu.querySelectorAll("a, button, input, select")].filter((item) => item.checkVisibility());
  items[(items.indexOf(document.activeElement) + step + items.length) % items.length]?.focus();
}
