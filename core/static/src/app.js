/*
 * What every page does in the browser. Each module improves markup that already works without it, by attributes; none makes pages.
 * No inline code, no eval: runs under script-src 'self'.
 */
import "htmx.org";
import { prepareFits } from "./js/fits.js";
import { focusFirstError, prepareForms, watchForms } from "./js/forms.js";
import { prepareFormulas } from "./js/formula.js";
import { prepareKeys } from "./js/keys.js";
import { watchKeeping } from "./js/keeping.js";
import { prepareLines } from "./js/lines.js";
import { prepareLookups } from "./js/lookup.js";
import { prepareMenus } from "./js/menus.js";
import { prepareOptions } from "./js/options.js";
import { preparePickers } from "./js/picker.js";
import { preparePalette } from "./js/palette.js";
import { prepareRows } from "./js/rows.js";
import { prepareTheme } from "./js/theme.js";
import { prepareToasts } from "./js/toasts.js";

/* Listeners on the document, once. */
prepareKeys();
prepareTheme();
prepareMenus();
watchForms();
prepareToasts();
watchKeeping();

/* Parts of the page, also those that arrive by a swap. Each module skips what it has prepared before. */
function prepare(root) {
  prepareForms(root);
  prepareFits(root);
  prepareLines(root);
  prepareLookups(root);
  prepareFormulas(root);
  prepareRows(root);
  prepareOptions(root);
  preparePickers(root);
  preparePalette(root);
}

prepare(document);
focusFirstError();
document.addEventListener("htmx:after:swap", ({ detail }) => {
  prepare(document);
  if (detail.ctx.response?.raw.status === 422) focusFirstError();
});
