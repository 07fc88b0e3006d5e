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

/** Of the page, and of each custom element: to ask for one is to have the style computed. */
const themes = new WeakMap<Node, Theme>();

/** The colours at an element, as its page's or custom element's style has them. */
export function themeAt(place: Element): Theme {
  const root = place.getRootNode();
  const known = themes.get(root);
  if (known) return known;
  const theme = readTheme(place);
  themes.set(root, theme);
  return theme;
}

/** The style around an element has changed. */
export function forgetTheme(place: Element): void {
  themes.delete(place.getRootNode());
}

function readTheme(place: Element): Theme {
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

/** Five colours that read in both themes: viridis, at its quarters. */
const HEAT = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
] as const;
/** Between them: more than an eye tells apart, and few enough that a map of a thousand cells names no colour twice. */
const SHADES = 255;
const shades: string[] = [];

/** Shades of a heat map from low to high, `t` from 0 to 1. */
export function heat(t: number): string {
  const shade = Math.round(SHADES * Math.min(1, Math.max(0, t)));
  shades[shade] ??= shadeAt(shade / SHADES);
  return shades[shade];
}

function shadeAt(t: number): string {
  const at = Math.min(0.9999, t) * (HEAT.length - 1);
  const k = Math.floor(at);
  const part = (c: number): number => Math.round(HEAT[k][c] + (at - k) * (HEAT[k + 1][c] - HEAT[k][c]));
  return `rgb(${part(0)},${part(1)},${part(2)})`;
}
