/*
 * Forms that need no script, made kinder: nothing is sent twice, nothing typed is lost by leaving, filters send themselves, and acts that
 * cannot be undone are asked about first.
 *   data-guard       on a form: leaving with unsaved changes asks      data-autosubmit  on a form: a change sends it
 *   data-confirm     on a form or its button: the sentence to ask       (each form)      one request at a time; Ctrl+S saves
 */
import { once, text, whenQuiet } from "./page.js";
import { toast } from "./toasts.js";

const PATIENCE = 10000; // ms after which a form may be sent again: an answer that is a file leaves the page where it is
let leaving = false;

export function prepareForms(root) {
  once(root, "form[data-guard]", "guard", (form) => {
    for (const kind of ["input", "change"]) form.addEventListener(kind, () => ((form.dataset.changed = ""), (leaving = false)));
  });
  once(root, "form[data-autosubmit]", "autosubmit", (form) => {
    const send = () => form.requestSubmit();
    const sendSoon = whenQuiet(300, send);
    form.addEventListener("change", (event) => event.target.matches("[type=search]") || send());
    form.addEventListener("input", (event) => event.target.matches("[type=search]") && !event.isComposing && sendSoon());
  });
}

/** Takes the reader to the first entry that needs attention. */
export function focusFirstError() {
  document.querySelector("main [aria-invalid=true]")?.focus();
}

/** Listeners on the document, once. */
export function watchForms() {
  document.addEventListener("submit", beforeSubmit, true);
  addEventListener("beforeunload", (event) => {
    if (!leaving && document.querySelector("form[data-changed]")) event.preventDefault();
  });
  addEventListener("pageshow", (event) => event.persisted && release()); // back from the browser's own cache: the buttons work again
  document.addEventListener("htmx:finally:request", release);
  document.addEventListener("htmx:error", () => toast(text("failed"), "late"));
  document.addEventListener("htmx:response:error", (event) => {
    if (event.detail.ctx.response.raw.status >= 500) toast(text("failed"), "late");
  });
}

function beforeSubmit(event) {
  const form = event.target;
  if (form.method === "dialog" || event.submitter?.formMethod === "dialog") return;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (question && form.dataset.agreed === undefined) {
    event.preventDefault();
    event.stopPropagation();
    ask(question).then((yes) => {
      if (!yes) return;
      form.dataset.agreed = "";
      form.requestSubmit(event.submitter);
      delete form.dataset.agreed;
    });
    return;
  }
  if (form.dataset.sending !== undefined) {
    event.preventDefault();
    event.stopPropagation();
    return;
  }
  queueMicrotask(() => {
    if (event.defaultPrevented && !form.matches("[hx-post], [hx-get], [hx-patch], [hx-put], [hx-delete]")) return;
    leaving = form.dataset.changed !== undefined;
    if (form.method !== "get") form.dataset.sending = "";
    setTimeout(release, PATIENCE);
    (event.submitter ?? form.querySelector(".btn-primary"))?.setAttribute("aria-busy", "true");
  });
}

function release() {
  leaving = false;
  for (const form of document.querySelectorAll("form[data-sending]")) delete form.dataset.sending;
  for (const button of document.querySelectorAll("[aria-busy=true]")) button.removeAttribute("aria-busy");
}

/** Shows the sentence with "Cancel" and "Continue"; resolves to the answer. */
export function ask(question) {
  const dialog = document.importNode(document.getElementById("question").content, true).firstElementChild;
  dialog.querySelector("p").textContent = question;
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((answer) =>
    dialog.addEventListener("close", () => {
      answer(dialog.returnValue === "yes");
      dialog.remove();
    }),
  );
}
