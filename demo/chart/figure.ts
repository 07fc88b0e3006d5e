/**
 * A picture in the page: a canvas that follows its width, its legend, its data as a table, and files to keep.
 *
 * @module
 */
import { pictureButtons } from "../download.ts";
import { element } from "../elements.ts";
import { afterFrame } from "../frames.ts";
import { draw, drawHeading, frameOf, headingHeight, type Key, type Mark, type Picture, place } from "./draw.ts";
import { CanvasPen, SvgPen } from "./pen.ts";
import { forgetTheme, themeAt } from "./theme.ts";

/** The numbers behind a picture: titles, and rows as HTML. */
export interface Rows {
  readonly titles: readonly string[];
  readonly rows: ReadonlyArray<readonly string[]>;
}

export interface FigureOptions {
  /** Of the files that it is kept as. */
  readonly name: string;
  readonly title: string;
  readonly height: number;
  readonly legend?: readonly Key[];
  /** Asked for when the table is opened, and at changes while it is open. */
  readonly table?: () => Rows;
  /** A point was chosen: which of its mark's. */
  readonly onPick?: (index: number, mark: Mark) => void;
}

/** Pixels around a point that count as it. */
const REACH = 14;
/** Milliseconds between two fillings of an open table: rows that a reader is in should stand still. */
const TABLE_MS = 2000;

/**
 * Figures that wait to be painted: one a frame, so that no frame takes long, and in a task of its own after the frame's layout,
 * which a canvas would force when it is given a font.
 */
const waiting: Array<() => void> = [];

function paintNext(): void {
  waiting.shift()?.();
  if (waiting.length > 0) afterFrame(paintNext);
}

function paintSoon(paint: () => void): void {
  waiting.push(paint);
  if (waiting.length === 1) afterFrame(paintNext);
}

export class Figure {
  readonly element: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #table: HTMLDetailsElement;
  readonly #options: FigureOptions;
  #picture: Picture | undefined;
  /** CSS pixels, as laid out last: to ask the canvas would force a layout. */
  #size = { width: 0, height: 0 };
  #asked = false;
  #filled = 0;

  constructor(options: FigureOptions) {
    this.#options = options;
    this.#canvas = element("canvas", { role: "img", style: `height: ${options.height}px` });
    if (options.onPick) this.#canvas.classList.add("pickable");
    this.#table = element(
      "details",
      { class: "numbers" },
      element("summary", {}, "Numbers as a table"),
      element("div"),
    );
    if (!options.table) this.#table.hidden = true;
    this.#table.addEventListener("toggle", () => this.#fill(true));
    const buttons = pictureButtons(
      options.name,
      () => this.svg(),
      () => this.png(),
    );
    this.element = element(
      "figure",
      { "data-show": options.name },
      element("figcaption", {}, element("h3", {}, options.title), buttons),
      legendOf(options.legend ?? []),
      this.#canvas,
      this.#table,
    );
    new ResizeObserver((entries) => {
      const { width, height } = entries[entries.length - 1].contentRect;
      this.#size = { width: Math.round(width), height: Math.round(height) };
      this.#ask();
    }).observe(this.#canvas);
    // the style gives the canvas a short transition of its colour, so that this tells of any change of theme
    this.#canvas.addEventListener("transitionend", () => {
      forgetTheme(this.element);
      this.#ask();
    });
    this.#canvas.addEventListener("click", (event) => this.#click(event));
  }

  /** Marks the picture as one of other settings, until the next is shown. */
  fade(): void {
    this.#canvas.classList.add("stale");
  }

  /** Shows a picture, at the next frame. */
  show(picture: Picture): void {
    this.#picture = picture;
    this.#canvas.classList.remove("stale");
    this.#canvas.setAttribute("aria-label", picture.label);
    this.#ask();
  }

  /** The picture as SVG text with its title and legend, in the colours that it has now. */
  svg(): string {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const { title, legend = [] } = this.#options;
    const pen = new SvgPen();
    const theme = themeAt(this.element);
    drawHeading(title, legend, pen, theme, width);
    pen.shift(headingHeight(legend));
    if (this.#picture) draw(this.#picture, pen, theme, width, height);
    return pen.finish(width, height + headingHeight(legend), this.#picture?.label ?? "");
  }

  /** The picture as PNG with its title and legend, three pixels to one of the page's. */
  async png(): Promise<Blob> {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const copy = element("canvas");
    copy.width = 3 * width;
    const { title, legend = [] } = this.#options;
    copy.height = 3 * (height + headingHeight(legend));
    const context = copy.getContext("2d") as CanvasRenderingContext2D;
    context.scale(3, 3);
    const pen = new CanvasPen(context);
    const theme = themeAt(this.element);
    drawHeading(title, legend, pen, theme, width);
    context.translate(0, headingHeight(legend));
    if (this.#picture) draw(this.#picture, pen, theme, width, height);
    return new Promise((resolve, reject) => {
      copy.toBlob(
        (blob) => (blob ? resolve(blob) : reject(new Error("the picture could not be written"))),
        "image/png",
      );
    });
  }

  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    paintSoon(() => {
      this.#asked = false;
      this.#paint();
    });
  }

  #paint(): void {
    const canvas = this.#canvas;
    const { width, height } = this.#size;
    if (!this.#picture || width === 0) return;
    const ratio = Math.min(3, globalThis.devicePixelRatio || 1);
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== h) {
      canvas.width = w;
      canvas.height = h;
    }
    const context = canvas.getContext("2d") as CanvasRenderingContext2D;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    draw(this.#picture, new CanvasPen(context), themeAt(this.element), width, height);
    this.#fill(false);
  }

  #fill(now: boolean): void {
    const { table } = this.#options;
    if (!this.#table.open || !table) return;
    if (!now && performance.now() - this.#filled < TABLE_MS) return;
    // who is at one of its buttons with the keyboard would lose the place
    if (!now && this.#table.lastElementChild?.matches(":focus-within")) return;
    this.#filled = performance.now();
    const { titles, rows } = table();
    const head = `<tr>${titles.map((title) => `<th scope="col">${title}</th>`).join("")}</tr>`;
    const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join("")}</tr>`).join("");
    const html = `<table><thead>${head}</thead><tbody>${body}</tbody></table>`;
    (this.#table.lastElementChild as HTMLElement).innerHTML = html;
  }

  #click(event: MouseEvent): void {
    const picture = this.#picture;
    const { onPick } = this.#options;
    if (!picture || !onPick) return;
    const frame = frameOf(this.#canvas.clientWidth, this.#canvas.clientHeight);
    const [mx, my] = [event.offsetX, event.offsetY];
    let nearest = REACH ** 2;
    let found: (() => void) | undefined;
    for (const mark of picture.marks) {
      if (mark.kind !== "dots" || !mark.pick) continue;
      for (let i = 0; i < mark.x.length; i++) {
        const [x, y] = place(picture, frame, mark.x[i], mark.y[i]);
        const distance = (x - mx) ** 2 + (y - my) ** 2;
        if (distance < nearest) {
          nearest = distance;
          found = () => onPick(i, mark);
        }
      }
    }
    found?.();
  }
}

function legendOf(keys: readonly Key[]): HTMLElement {
  const entries = keys.map(({ kind, colour, text }) =>
    element(
      "span",
      {},
      element("i", { class: kind, style: colour ? `--key: var(--${colour})` : "" }),
      document.createTextNode(text),
    ),
  );
  const legend = element("div", { class: "legend" }, ...entries);
  legend.hidden = keys.length === 0;
  return legend;
}
