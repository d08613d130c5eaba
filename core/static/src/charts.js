/*
 * Charts of the pages that show figures: <div class="chart" data-chart='{"type": "bar" | "line" | "rows", "categories": [{"label", "url"}],
 * "series": [{"name", "values": [...], "dash"?}], "unit"?}'>. Loaded on those pages only. The table beside each chart is the server's.
 * SVG, and tooltips without HTML: the page's policy forbids inline styles, and a name a person typed must never become markup.
 */
import { BarChart, LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { options } from "./js/chart_options.js";

use([BarChart, LineChart, AriaComponent, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);

const drawn = new Map();

function draw(element) {
  const data = JSON.parse(element.dataset.chart);
  element.dataset.drawn = "";
  let chart = drawn.get(element);
  if (!chart) {
    chart = init(element, null, { renderer: "svg" });
    drawn.set(element, chart);
    chart.getZr().on("click", ({ offsetX, offsetY }) => follow(element, [offsetX, offsetY]));
    new ResizeObserver(() => chart.resize()).observe(element);
  }
  chart.setOption(options(data, element), true);
}

/* The whole column is the target, not only the bar: a small figure must be as easy to hit as a large one. */
function follow(element, point) {
  const chart = drawn.get(element);
  const { type, categories } = JSON.parse(element.dataset.chart);
  if (!chart.containPixel("grid", point)) return;
  const at = chart.convertFromPixel({ gridIndex: 0 }, point)[type === "rows" ? 1 : 0];
  if (categories[at]?.url) location.assign(categories[at].url);
}

function drawAll() {
  for (const element of drawn.keys()) {
    if (element.isConnected) continue;
    drawn.get(element).dispose();
    drawn.delete(element);
  }
  document.querySelectorAll("[data-chart]").forEach(draw);
}

drawAll();
document.addEventListener("htmx:after:swap", drawAll);
document.addEventListener("theme", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
