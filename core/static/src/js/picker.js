/* A grid of things to choose one of, narrowed while somebody types: [data-picker] holds [data-picker-search] and items with data-name. */
import { once } from "./page.js";

export function preparePickers(root) {
  once(root, "[data-picker]", "picker", (picker) => {
    const search = picker.querySelector("[data-picker-search]");
    const items = [...picker.querySelectorAll("[data-name]")];
    search.hidden = false;
    search.addEventListener("input", () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const item of items) item.hidden = !words.every((word) => item.dataset.name.includes(word));
    });
    search.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // Enter chooses the first that is left; it never sends the form
      items.find((item) => !item.hidden)?.querySelector("input").click();
    });
    picker.querySelector("input:checked")?.closest("[data-name]").scrollIntoView({ block: "nearest" });
  });
}
