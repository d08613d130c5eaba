/*
 * Exact decimal arithmetic for running totals: a number is {units, scale}, meaning units / 10^scale, units a BigInt.
 * The same rule as the server's: rounded half up (away from zero) to the currency's minor unit. Knows nothing of the page.
 */

export const ZERO = { units: 0n, scale: 0 };

/** The number in what a person typed ("1,234.5", full-width digits too), or null when it is none. */
export function parse(typed) {
  const plain = String(typed ?? "").normalize("NFKC").replace(/[\s,_']/g, "");
  const found = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(plain);
  if (!found || !(found[2] || found[3])) return null;
  const digits = (found[2] || "") + (found[3] || "");
  const units = BigInt(digits);
  return { units: found[1] === "-" ? -units : units, scale: (found[3] || "").length };
}

/** A percent as a fraction: "5%" and "5" are both 0.05. */
export function parsePercent(typed) {
  const number = parse(String(typed ?? "").normalize("NFKC").replace("%", ""));
  return number && { units: number.units, scale: number.scale + 2 };
}

function align(a, b) {
  const scale = Math.max(a.scale, b.scale);
  return [a.units * 10n ** BigInt(scale - a.scale), b.units * 10n ** BigInt(scale - b.scale), scale];
}

export function add(a, b) {
  const [left, right, scale] = align(a, b);
  return { units: left + right, scale };
}

export function subtract(a, b) {
  return add(a, { units: -b.units, scale: b.scale });
}

export function multiply(a, b) {
  return { units: a.units * b.units, scale: a.scale + b.scale };
}

/** Half up, away from zero, to `digits` after the point. */
export function round(number, digits) {
  if (number.scale <= digits) return { units: number.units * 10n ** BigInt(digits - number.scale), scale: digits };
  const step = 10n ** BigInt(number.scale - digits);
  const size = number.units < 0n ? -number.units : number.units;
  const rounded = (size * 2n + step) / (step * 2n);
  return { units: number.units < 0n ? -rounded : rounded, scale: digits };
}

/** As plain text, "-1234.50". */
export function write(number) {
  const size = (number.units < 0n ? -number.units : number.units).toString().padStart(number.scale + 1, "0");
  const cut = size.length - number.scale;
  return (number.units < 0n ? "-" : "") + size.slice(0, cut) + (number.scale ? "." + size.slice(cut) : "");
}

/** For reading, with thousands marks: "-1,234.50" in every language of the product. */
export function show(number) {
  const [whole, rest] = write(number).split(".");
  const marked = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return rest === undefined ? marked : `${marked}.${rest}`;
}
