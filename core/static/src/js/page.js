/* The page's own sentences and small questions about elements that several modules ask. */

/** A translated sentence from the shell (templates/parts/overlays.html). */
export function text(key) {
  return document.getElementById("texts")?.dataset[key] ?? "";
}

const made = new Map();

/**
 * Calls `make` once for each element of `root` that matches, however often the page is swapped. `purpose` names the caller.
 * Remembered beside the elements, not on them: a morphing swap would wipe what the server did not write.
 */
export function once(root, selector, purpose, make) {
  if (!made.has(purpose)) made.set(purpose, new WeakSet());
  for (const element of root.querySelectorAll(selector)) {
    if (made.get(purpose).has(element)) continue;
    made.get(purpose).add(element);
    make(element);
  }
}

/** Whether a key pressed here is text. */
export function isTyping(target) {
  return Boolean(target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true]"));
}

/** Runs `act` when calls have paused for `delay` milliseconds. */
export function whenQuiet(delay, act) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(act, delay, ...given);
  };
}

/** An icon of the sprite; its address is read from one that the server wrote. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  const sprite = document.querySelector("svg.icon use")?.getAttribute("href").split("#")[0];
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}
