/*
 * Builds core/static/dist/ from core/static/src/: the style sheet, the scripts, a sprite of the icons in use and the outline of the world's land.
 * Called by `npm run build`; holds no behaviour of pages. Third-party files come from node_modules and are never committed.
 */
import { build } from "esbuild";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const ROOT = new URL("../../../", import.meta.url).pathname;
const SOURCE = join(ROOT, "core/static/src");
const TARGET = join(ROOT, "core/static/dist");

/** Every icon that templates and rooms name in so many words, with the file that does. */
async function iconsNamed() {
  const found = new Map();
  for (const folder of ["templates", "core", "crm", "erp", "tenants"]) {
    const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (!entry.isFile() || !/\.(html|py)$/.test(entry.name)) continue;
      const text = await readFile(join(entry.parentPath ?? entry.path, entry.name), "utf8");
      for (const [, name] of text.matchAll(/(?:icons\.svg' %\}#|<c-icon name="|\bicon=")([a-z0-9-]+)"/g)) found.set(name, entry.name);
    }
  }
  return found;
}

/** One <symbol> for each icon that code names, and for those of icons.txt, whose names code puts together or reads from data. */
async function sprite() {
  const listed = (await readFile(join(SOURCE, "icons.txt"), "utf8")).split("\n").map((line) => line.trim()).filter(Boolean);
  const wanted = new Map([...listed.map((name) => [name, "icons.txt"]), ...(await iconsNamed())]);
  const symbols = await Promise.all([...wanted].sort().map(async ([name, file]) => {
    const svg = await readFile(join(ROOT, "node_modules/@tabler/icons/icons/outline", `${name}.svg`), "utf8").catch(() => {
      throw new Error(`${file} names the icon "${name}", which Tabler's outline icons do not have.`);
    });
    const drawing = svg.replace(/<!--[\s\S]*?-->/g, "").replace(/^[\s\S]*?<svg[^>]*>|<\/svg>\s*$/g, "").replace(/<path stroke="none"[^>]*>/g, "");
    return `<symbol id="${name}" viewBox="0 0 24 24">${drawing.replace(/\s*\n\s*/g, "").replace(/ \/>/g, "/>")}</symbol>`;
  }));
  await writeFile(join(TARGET, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`);
}

/** A ring that crosses the 180th meridian, drawn on beyond it instead of back across the world: once at either edge; round a pole it closes there. */
function inOnePiece(ring) {
  let turn = 0;
  const points = ring.map(([x, y], place) => {
    const step = place ? x - ring[place - 1][0] : 0;
    turn += step > 180 ? -360 : step < -180 ? 360 : 0;
    return [x + turn, y];
  });
  const first = points[0][0], last = points.at(-1)[0];
  if (Math.abs(last - first) > 180) points.push([last, 90], [first, 90]);
  const beyond = points.some(([x]) => x > 180) ? -360 : points.some(([x]) => x < -180) ? 360 : 0;
  return beyond ? [points, points.map(([x, y]) => [x + beyond, y])] : [points];
}

/** The outline of the world's land as one path in degrees, north up: maps stretch it to what they show. From Natural Earth, which is in the public domain. */
async function land() {
  const world = JSON.parse(await readFile(join(ROOT, "node_modules/world-atlas/land-110m.json"), "utf8"));
  const { scale, translate } = world.transform;
  const arcs = world.arcs.map((steps) => {
    let x = 0, y = 0;
    return steps.map(([right, up]) => [(x += right) * scale[0] + translate[0], -(y += up) * scale[1] - translate[1]]);
  });
  const line = (number) => (number < 0 ? [...arcs[~number]].reverse() : arcs[number]);
  const rings = world.objects.land.geometries.flatMap(({ type, arcs: parts }) => (type === "Polygon" ? parts : parts.flat()));
  const path = rings.flatMap((ring) => inOnePiece(ring.flatMap((number, place) => line(number).slice(place ? 1 : 0))))
    .map((points) => `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}Z`).join("");
  await writeFile(join(TARGET, "land.svg"), `<svg xmlns="http://www.w3.org/2000/svg"><path id="land" vector-effect="non-scaling-stroke" d="${path}"/></svg>`);
}

await mkdir(TARGET, { recursive: true });
await build({
  entryPoints: ["ui.css", "app.js", "board.js", "layout.js", "charts.js", "dashboards.js", "sheet.js", "views.js"].map((name) => join(SOURCE, name)),
  outdir: TARGET,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome111", "firefox115", "safari16.4"],
  legalComments: "none",
  logLevel: "warning",
});
await Promise.all([sprite(), land()]);
