/**
 * Numbers as a reader sees them.
 *
 * @module
 */

/** A whole number with thousands set apart: `1,234,567`. */
export function whole(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** An exponent: `⁻¹²`. */
export function superscript(value: number): string {
  return String(value)
    .replace("-", "⁻")
    .replace(/\d/g, (d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(d)]);
}

/** Some significant digits: `0.251`, `1.09 × 10⁻⁵`. */
export function short(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  // as it will be rounded: 0.9996 has as many decimals as 1.00
  const size = Math.abs(Number(value.toPrecision(digits)));
  if (size >= 0.001 && size < 1e6) {
    const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
    return value.toFixed(Math.min(decimals, 12)).replace("-", "−");
  }
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  return `${mantissa.replace("-", "−")} × 10${superscript(Number(exponent))}`;
}

/** Decimals fixed: `−16.11`. */
export function fixed(value: number, decimals: number): string {
  return Number.isFinite(value) ? value.toFixed(decimals).replace("-", "−") : "–";
}

/** A value and its standard error, to the error's two digits: `−16.111 ± 0.003`. */
export function withError(value: number, error: number | undefined | null): string {
  if (error === undefined || error === null || !Number.isFinite(error)) return fixed(value, 2);
  const decimals = error > 0 ? Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(error)))) : 3;
  return `${fixed(value, decimals)} ± ${fixed(error, decimals)}`;
}

/** A share: `87.5 %`. */
export function percent(share: number, decimals = 1): string {
  return `${fixed(100 * share, decimals)} %`;
}

/** Text inside HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
