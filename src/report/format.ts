/**
 * Numbers and texts as a reader sees them; the same in every place and language.
 *
 * @module
 */

/** Text inside HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** A whole number with thousands set apart: `1,234,567`. */
export function formatWhole(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** A number to some significant digits, as text: `0.2506`, `1.09e-3`. */
export function formatNumber(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 0.001 && size < 10 ** 6) {
    const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
    const text = value.toFixed(decimals);
    // rounding up to the next power of ten adds a digit
    return Number(text) === 0 ? "0" : text;
  }
  return value.toExponential(digits - 1).replace("e+", "e");
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** An exponent: `⁻¹²`. */
export function superscript(value: number): string {
  return String(value)
    .replace("-", "⁻")
    .replace(/\d/g, (d) => SUPERSCRIPTS[Number(d)]);
}

/** As `formatNumber`, with powers of ten written out: `1.09 × 10⁻³`. */
export function formatProse(value: number, digits = 3): string {
  const text = formatNumber(value, digits).replace(/^-/, "−");
  const match = /^(.*)e(-?\d+)$/.exec(text);
  return match ? `${match[1]} × 10${superscript(Number(match[2]))}` : text;
}

/** A probability as a share: `25.1 %`; small ones as `1 in 9,200`. */
export function formatShare(probability: number): string {
  if (probability >= 0.001 || probability === 0) return `${formatNumber(100 * probability, 3)} %`;
  return `1 in ${formatWhole(Number((1 / probability).toPrecision(2)))}`;
}
