/**
 * Controls bound to the page's state: a change is put into the state, and told.
 *
 * @module
 */
import { element } from "./elements.ts";
import { type NumberKey, RULES, type State, type StateKey } from "./state.ts";

/** The state, and what happens when a control changes it. */
export interface Settings {
  readonly state: State;
  /** Called after the state has changed by the user's hand. */
  changed(key: StateKey): void;
}

/** A control: its element, and how it is made to show the state. */
export interface Control {
  readonly element: HTMLElement;
  refresh(): void;
}

let labels = 0;

/** A slider for a number. @param show its value as text. */
export function slider(
  settings: Settings,
  key: NumberKey,
  label: string,
  show: (value: number) => string = String,
): Control {
  const rule = RULES[key];
  const id = `control-${labels++}`;
  const output = element("output", { for: id, "aria-live": "off" });
  const input = element("input", {
    id,
    type: "range",
    min: String(rule.least),
    max: String(rule.most),
    step: String(rule.step),
  });
  const refresh = (): void => {
    const value = settings.state[key];
    input.value = String(value);
    input.setAttribute("aria-valuetext", show(value));
    output.textContent = show(value);
  };
  input.addEventListener("input", () => {
    // a step of a tenth is not exact in binary
    settings.state[key] = Number(Number(input.value).toFixed(6));
    refresh();
    settings.changed(key);
  });
  refresh();
  const name = element("label", { for: id }, label);
  return { element: element("div", { class: "control" }, name, output, input), refresh };
}

/** A list to choose from. @param names of the choices, in their order; a value that is none of them is shown as `other`. */
export function select<K extends StateKey>(
  settings: Settings,
  key: K,
  label: string,
  names: Readonly<Record<string, string>>,
  other?: (value: string) => string,
): Control {
  const id = `control-${labels++}`;
  const list = element("select", { id });
  for (const [value, text] of Object.entries(names)) list.append(element("option", { value }, text));
  const refresh = (): void => {
    const value = String(settings.state[key]);
    list.querySelector("option[data-other]")?.remove();
    if (!(value in names) && other) {
      list.append(element("option", { value, "data-other": "yes" }, other(value)));
    }
    list.value = value;
  };
  list.addEventListener("change", () => {
    const number = typeof settings.state[key] === "number";
    (settings.state as Record<string, unknown>)[key] = number ? Number(list.value) : list.value;
    settings.changed(key);
  });
  refresh();
  return { element: element("div", { class: "control" }, element("label", { for: id }, label), list), refresh };
}

/** The seed: a number to type, and a button for the next one. */
export function seedControl(settings: Settings, key: NumberKey): Control {
  const id = `control-${labels++}`;
  const input = element("input", {
    id,
    type: "number",
    min: "0",
    max: String(RULES[key].most),
    step: "1",
    inputmode: "numeric",
  });
  const next = element("button", { type: "button", class: "small" }, "Next seed");
  const set = (value: number): void => {
    settings.state[key] = Math.min(RULES[key].most, Math.max(0, Math.floor(value)));
    input.value = String(settings.state[key]);
    settings.changed(key);
  };
  input.addEventListener("change", () => set(Number.isFinite(input.valueAsNumber) ? input.valueAsNumber : 1));
  next.addEventListener("click", () => set(settings.state[key] + 1));
  const refresh = (): void => {
    input.value = String(settings.state[key]);
  };
  refresh();
  const row = element("span", { class: "row" }, input, next);
  return { element: element("div", { class: "control" }, element("label", { for: id }, "Seed"), row), refresh };
}
