/**
 * Elements of the page.
 *
 * @module
 */

/** An element with attributes and children; texts are texts, never HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: ReadonlyArray<Node | string>
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === "") continue;
    // as an attribute a strict Content-Security-Policy would refuse it
    if (name === "style") made.style.cssText = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** A number with its name, and what may stand below it. */
export interface Card {
  readonly element: HTMLElement;
  set(value: string, note?: string): void;
}

export function card(name: string): Card {
  const value = element("dd", {}, "–");
  const note = element("small");
  return {
    element: element("div", {}, element("dt", {}, name), value, note),
    set(text, below = "") {
      // untouched where nothing changed: no layout
      if (value.textContent !== text) value.textContent = text;
      if (note.textContent !== below) note.textContent = below;
    },
  };
}

/** Cards in a row. */
export function cards(...all: readonly Card[]): HTMLElement {
  return element("dl", { class: "cards", "data-show": "numbers" }, ...all.map((each) => each.element));
}

/** Milliseconds between two sentences to a screen reader: it must be able to finish one. */
const SPEAK_MS = 6000;

/** A line that screen readers read out when it changes, at most every few seconds. */
export function announcer(): { readonly element: HTMLElement; say(text: string, now?: boolean): void } {
  const line = element("p", { class: "spoken", "aria-live": "polite", role: "status" });
  let last = Number.NEGATIVE_INFINITY;
  return {
    element: line,
    say(text, now = false) {
      if (!now && performance.now() - last < SPEAK_MS) return;
      last = performance.now();
      if (line.textContent !== text) line.textContent = text;
    },
  };
}
