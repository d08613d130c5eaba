/*
 * An answer that renders a form anew shows it as it was when the question was asked. What somebody typed or chose since then stays,
 * and the focus stays where it was.
 */
const touched = new WeakMap(); // control -> when it was last changed by hand
const asked = new WeakMap(); // request -> when its form was read
let kept = [];
let focus = null;

export function watchKeeping() {
  for (const kind of ["input", "change"]) document.addEventListener(kind, ({ target }) => touched.set(target, performance.now()), true);
  document.addEventListener("htmx:config:request", ({ detail }) => asked.set(detail.ctx, performance.now()));
  document.addEventListener("htmx:before:swap", ({ detail }) => keep(detail.ctx));
  document.addEventListener("htmx:after:swap", giveBack);
}

function keep(ctx) {
  const since = asked.get(ctx) ?? Infinity;
  kept = [...document.querySelectorAll("main :is(input, select, textarea)[id]")].filter((control) => touched.get(control) > since);
  focus = document.activeElement?.id && touched.get(document.activeElement) > since ? document.activeElement : null;
}

function giveBack() {
  for (const before of kept) {
    const now = document.getElementById(before.id);
    if (!now || now === before || now.type !== before.type || now.type === "file") continue;
    touched.set(now, touched.get(before));
    if (now.value === before.value && now.checked === before.checked) continue;
    if (now.type === "checkbox" || now.type === "radio") now.checked = before.checked;
    else now.value = before.value;
    if (now.matches("select, [type=checkbox], [type=radio]")) now.dispatchEvent(new Event("change", { bubbles: true })); // what hangs on it is worked out again
  }
  const now = focus && document.activeElement === document.body ? document.getElementById(focus.id) : null;
  now?.focus();
  kept = [];
  focus = null;
}
