/**
 * Colours of pictures, by role: those of the style around them, light or dark.
 *
 * @module
 */

export const ROLES = [
  "paper",
  "ink",
  "soft",
  "line",
  "mark",
  "second",
  "third",
  "fourth",
  "good",
  "bad",
  "light",
] as const;
export type Colour = (typeof ROLES)[number];
export type Theme = Readonly<Record<Colour, string>>;

/** The colours at an element, as the style has them there now. */
export function themeAt(place: Element): Theme {
  // `light-dark()` is resolved for real properties only
  const probe = place.ownerDocument.createElement("i");
  place.append(probe);
  const style = getComputedStyle(probe);
  const colours = ROLES.map((role) => {
    probe.style.color = `var(--${role})`;
    return [role, style.color];
  });
  probe.remove();
  return Object.fromEntries(colours) as Theme;
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
