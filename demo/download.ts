/**
 * Files to keep: data as CSV and Parquet, pictures as SVG and PNG.
 *
 * @module
 */
import { element } from "./elements.ts";

/** Hands a file to the user. */
function save(name: string, data: Blob): void {
  const url = URL.createObjectURL(data);
  const link = element("a", { href: url, download: name });
  link.click();
  // not at once: the browser is still to read it
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function button(text: string, label: string, action: (event: Event) => Promise<void> | void): HTMLButtonElement {
  const made = element("button", { type: "button", class: "small", "aria-label": label }, text);
  made.addEventListener("click", (event) => void action(event));
  return made;
}

/** Buttons that keep a picture. */
export function pictureButtons(name: string, svg: () => string, png: () => Promise<Blob>): HTMLElement {
  return element(
    "span",
    { class: "files" },
    button("SVG", `Download the picture ${name} as SVG`, () => {
      save(`flatvol-${name}.svg`, new Blob([svg()], { type: "image/svg+xml" }));
    }),
    button("PNG", `Download the picture ${name} as PNG`, async () => save(`flatvol-${name}.png`, await png())),
  );
}

/** Says for a moment that there is nothing to keep. */
function nothingYet(event: Event): void {
  const pressed = event.currentTarget as HTMLButtonElement;
  const text = pressed.textContent;
  if (pressed.dataset.empty) return;
  pressed.dataset.empty = "1";
  pressed.textContent = "no data yet";
  setTimeout(() => {
    pressed.textContent = text;
    delete pressed.dataset.empty;
  }, 2000);
}

/** Buttons that keep records. @param about goes into the Parquet file's metadata. */
export function dataButtons(name: string, records: () => readonly unknown[], about: () => unknown): HTMLElement {
  return element(
    "span",
    { class: "files" },
    button("CSV", `Download the data of ${name} as CSV`, async (event) => {
      if (records().length === 0) return nothingYet(event);
      const { recordsToCsv } = await import("./tables.ts");
      save(`flatvol-${name}.csv`, new Blob([recordsToCsv(records())], { type: "text/csv" }));
    }),
    button("Parquet", `Download the data of ${name} as Parquet`, async (event) => {
      if (records().length === 0) return nothingYet(event);
      const { recordsToParquet } = await import("./tables.ts");
      const bytes = recordsToParquet(records(), about());
      save(
        `flatvol-${name}.parquet`,
        new Blob([bytes as Uint8Array<ArrayBuffer>], { type: "application/vnd.apache.parquet" }),
      );
    }),
  );
}
