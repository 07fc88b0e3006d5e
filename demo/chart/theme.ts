/**
 * Colours of pictures, by role: those of the page's style, light or dark.
 *
 * @module
 */

export const ROLES = ["paper", "ink", "soft", "line", "mark", "second", "third", "fourth", "good", "bad"] as const;
export type Colour = (typeof ROLES)[number];
export type Theme = Readonly<Record<Colour, string>>;

let known: Theme | undefined;
if (typeof matchMedia === "function") {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    known = undefined;
  });
}

/** The colours that the page has now. */
export function currentTheme(): Theme {
  if (!known) {
    const style = getComputedStyle(document.documentElement);
    known = Object.fromEntries(ROLES.map((role) => [role, style.getPropertyValue(`--${role}`).trim()])) as Theme;
  }
  return known;
}

/** Shades of a heat map from low to high, `t` from 0 to 1: between five fixed colours that read in both themes. */
export function heat(t: number): string {
  const at = Math.min(0.9999, Math.max(0, t)) * (HEAT.length - 1);
  const k = Math.floor(at);
  const part = (c: number): number => Math.round(HEAT[k][c] + (at - k) * (HEAT[k + 1][c] - HEAT[k][c]));
  return `rgb(${part(0)},${part(1)},${part(2)})`;
}
// viridis, at its quarters
const HEAT = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
] as const;
