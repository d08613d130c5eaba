/*
 * Sign-up: currency and time zone follow the country until somebody chose others. The form's data-fits says what fits which country.
 */
import { once } from "./page.js";

const FOLLOW = ["currency", "timezone"];

export function prepareFits(root) {
  once(root, "form[data-fits]", "fits", (form) => {
    const fits = JSON.parse(form.dataset.fits);
    const { country } = form.elements;
    let before = country.value;
    country.addEventListener("change", () => {
      FOLLOW.forEach((name, place) => {
        const control = form.elements[name];
        if (fits[country.value] && (!control.value || control.value === fits[before]?.[place])) control.value = fits[country.value][place];
      });
      before = country.value;
    });
  });
}
