/*
 * Dashboards. In the editor (templates/pages/dashboard_editor.html) tiles are dragged to their place and change their width as it is chosen;
 * the order of their fields is what is sent, so nothing else has to be kept. On the page: full screen and print.
 *   [data-tiles] holds [data-tile] with [data-handle]; select[name$=".w"]; [data-fullscreen] and [data-print] are buttons
 */
import Sortable from "sortablejs";

const PRESS = 150; // ms a finger rests before it drags: shorter is scrolling

for (const list of document.querySelectorAll("[data-tiles]")) {
  Sortable.create(list, { draggable: "[data-tile]", handle: "[data-handle]", animation: 120, delay: PRESS, delayOnTouchOnly: true, ghostClass: "is-ghost" });
  list.addEventListener("change", ({ target }) => {
    if (!target.name?.endsWith(".w")) return;
    const tile = target.closest("[data-tile]");
    tile.className = tile.className.replace(/\bspan-\d+\b/, `span-${Number(target.value)}`);
  });
}

for (const button of document.querySelectorAll("[data-fullscreen]")) {
  button.hidden = !document.fullscreenEnabled;
  button.addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : document.querySelector("main").requestFullscreen()));
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
