/* What a chart looks like: the page's tokens turned into the options of the chart library. Draws nothing itself. */

function tokens() {
  const style = getComputedStyle(document.documentElement);
  const token = (name) => style.getPropertyValue(name).trim();
  return {
    ink: token("--c-ink2"),
    strong: token("--c-ink"),
    line: token("--c-line"),
    card: token("--c-card"),
    series: [1, 4, 2, 3, 5, 6].map((number) => token(`--c-s${number}`)),
  };
}

/** Short figures for an axis, in the page's language: 1.2M, 120万. */
function short(value) {
  return new Intl.NumberFormat(document.documentElement.lang, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

function full(value, unit) {
  if (value === null || value === undefined || value === "-") return "–";
  return new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 6 }).format(value) + (unit ? ` ${unit}` : "");
}

export function options(data, element) {
  const look = tokens();
  const lies = data.type === "rows";
  const labels = { type: "category", data: data.categories.map(({ label }) => label), ...axis(look) };
  const values = { type: "value", ...axis(look), axisLine: { show: false } };
  if (lies) Object.assign(labels, { inverse: true, axisLine: { show: false }, axisLabel: { color: look.ink, width: 150, overflow: "truncate" } });
  if (lies) Object.assign(values, { show: false });
  else values.axisLabel = { color: look.ink, formatter: short };
  const many = data.series.length > 1;
  const font = getComputedStyle(document.body).fontFamily;
  return {
    animation: false,
    textStyle: { fontFamily: font, color: look.ink },
    aria: { enabled: true, label: { description: element.getAttribute("aria-label") } },
    color: look.series,
    grid: { left: 4, right: lies ? 72 : 8, top: many ? 34 : 12, bottom: 2, containLabel: true },
    legend: { show: many, top: 0, right: 0, itemWidth: 14, itemHeight: 8, textStyle: { color: look.ink } },
    tooltip: {
      renderMode: "richText",
      trigger: lies ? "item" : "axis",
      backgroundColor: look.card,
      borderColor: look.line,
      textStyle: { color: look.strong, fontFamily: font, fontSize: 13 },
      valueFormatter: (value) => full(value, data.unit),
    },
    xAxis: lies ? values : labels,
    yAxis: lies ? labels : values,
    series: data.series.map((one, index) => series(one, data, look, index, lies)),
  };
}

function axis(look) {
  return {
    axisLine: { lineStyle: { color: look.line } },
    axisLabel: { color: look.ink, hideOverlap: true },
    splitLine: { lineStyle: { color: look.line } },
    axisTick: { show: false },
  };
}

function series(one, data, look, index, lies) {
  const isLine = data.type === "line" || one.dash;
  const hasUrl = data.categories.some(({ url }) => url);
  const color = look.series[index % look.series.length];
  const numbers = one.values.map((value) => (value === null ? "-" : Number(value)));
  if (isLine) {
    return { name: one.name, type: "line", data: numbers, step: one.dash ? "middle" : false, symbol: one.dash ? "none" : "circle", symbolSize: 6,
      cursor: hasUrl ? "pointer" : "default", lineStyle: { width: 2, type: one.dash ? "dashed" : "solid", color }, itemStyle: { color } };
  }
  return { name: one.name, type: "bar", data: numbers, barMaxWidth: 44, barCategoryGap: "38%", cursor: hasUrl ? "pointer" : "default",
    itemStyle: { color, borderRadius: lies ? [0, 3, 3, 0] : [3, 3, 0, 0] },
    label: lies ? { show: true, position: "right", color: look.ink, formatter: ({ value }) => short(value) } : { show: false } };
}
