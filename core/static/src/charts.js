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
    chart.on("click", ({ dataIndex }) => {
      const { url } = JSON.parse(element.dataset.chart).categories[dataIndex];
      if (url) location.assign(url);
    });
    new ResizeObserver(() => chart.resize()).observe(element);
  }
  chart.setOption(options(data, element), true);
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
