/**
 * Two ways to draw the same picture: on a canvas, many times a second, and as SVG text, to be kept.
 *
 * @module
 */
import { escapeHtml } from "../format.ts";

export interface Stroke {
  readonly colour: string;
  readonly width?: number;
  readonly opacity?: number;
  readonly dash?: readonly number[];
}
export interface Fill {
  readonly colour: string;
  readonly opacity?: number;
}
export interface Lettering {
  readonly colour: string;
  readonly size: number;
  readonly anchor: "start" | "middle" | "end";
  /** Turned to the left by a quarter. */
  readonly turned?: boolean;
  readonly weight?: "bold";
}

/** Coordinates are CSS pixels; lists of points are x, y, x, y, … */
export interface Pen {
  line(points: readonly number[], stroke: Stroke): void;
  area(points: readonly number[], fill: Fill): void;
  /** Dots of one look. */
  dots(points: readonly number[], radius: number, fill: Fill | undefined, stroke: Stroke | undefined): void;
  rect(x: number, y: number, width: number, height: number, fill: Fill): void;
  text(x: number, y: number, text: string, lettering: Lettering): void;
  /** What is drawn until `unclip` stays within. */
  clip(x: number, y: number, width: number, height: number): void;
  unclip(): void;
}

const FONT = "system-ui, sans-serif";

export class CanvasPen implements Pen {
  readonly #c: CanvasRenderingContext2D;

  constructor(context: CanvasRenderingContext2D) {
    this.#c = context;
  }

  line(points: readonly number[], { colour, width = 1, opacity = 1, dash = [] }: Stroke): void {
    const c = this.#c;
    c.globalAlpha = opacity;
    c.strokeStyle = colour;
    c.lineWidth = width;
    c.setLineDash([...dash]);
    this.#path(points);
    c.stroke();
    c.setLineDash([]);
    c.globalAlpha = 1;
  }

  area(points: readonly number[], { colour, opacity = 1 }: Fill): void {
    const c = this.#c;
    c.globalAlpha = opacity;
    c.fillStyle = colour;
    this.#path(points);
    c.fill();
    c.globalAlpha = 1;
  }

  dots(points: readonly number[], radius: number, fill: Fill | undefined, stroke: Stroke | undefined): void {
    const c = this.#c;
    for (let i = 0; i < points.length; i += 2) {
      c.beginPath();
      c.arc(points[i], points[i + 1], radius, 0, 2 * Math.PI);
      if (fill) {
        c.globalAlpha = fill.opacity ?? 1;
        c.fillStyle = fill.colour;
        c.fill();
      }
      if (stroke) {
        c.globalAlpha = stroke.opacity ?? 1;
        c.strokeStyle = stroke.colour;
        c.lineWidth = stroke.width ?? 1;
        c.stroke();
      }
    }
    c.globalAlpha = 1;
  }

  rect(x: number, y: number, width: number, height: number, { colour, opacity = 1 }: Fill): void {
    this.#c.globalAlpha = opacity;
    this.#c.fillStyle = colour;
    this.#c.fillRect(x, y, width, height);
    this.#c.globalAlpha = 1;
  }

  text(x: number, y: number, text: string, { colour, size, anchor, turned, weight }: Lettering): void {
    const c = this.#c;
    c.font = `${weight ?? "normal"} ${size}px ${FONT}`;
    c.fillStyle = colour;
    c.textAlign = anchor === "middle" ? "center" : anchor;
    c.save();
    c.translate(x, y);
    if (turned) c.rotate(-Math.PI / 2);
    c.fillText(text, 0, 0);
    c.restore();
  }

  clip(x: number, y: number, width: number, height: number): void {
    this.#c.save();
    this.#c.beginPath();
    this.#c.rect(x, y, width, height);
    this.#c.clip();
  }

  unclip(): void {
    this.#c.restore();
  }

  #path(points: readonly number[]): void {
    this.#c.beginPath();
    for (let i = 0; i < points.length; i += 2) this.#c.lineTo(points[i], points[i + 1]);
  }
}

/** A tenth of a pixel is finer than print. */
const short = (x: number): string => String(Math.round(10 * x) / 10);

export class SvgPen implements Pen {
  readonly #parts: string[] = [];
  /** Of its clips: several pictures may stand in one document. */
  readonly #id = `clip-${Math.random().toString(36).slice(2, 10)}`;
  #clips = 0;
  #shifts = 0;

  line(points: readonly number[], stroke: Stroke): void {
    this.#parts.push(`<path d="${path(points)}" fill="none" ${strokeOf(stroke)}/>`);
  }

  area(points: readonly number[], fill: Fill): void {
    this.#parts.push(`<path d="${path(points)}z" ${fillOf(fill)}/>`);
  }

  dots(points: readonly number[], radius: number, fill: Fill | undefined, stroke: Stroke | undefined): void {
    const look = `${fill ? fillOf(fill) : 'fill="none"'} ${stroke ? strokeOf(stroke) : ""}`;
    let circles = "";
    for (let i = 0; i < points.length; i += 2) {
      circles += `<circle cx="${short(points[i])}" cy="${short(points[i + 1])}" r="${radius}"/>`;
    }
    this.#parts.push(`<g ${look}>${circles}</g>`);
  }

  rect(x: number, y: number, width: number, height: number, fill: Fill): void {
    this.#parts.push(
      `<rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" ${fillOf(fill)}/>`,
    );
  }

  text(x: number, y: number, text: string, { colour, size, anchor, turned, weight }: Lettering): void {
    const place = turned
      ? `transform="translate(${short(x)} ${short(y)}) rotate(-90)"`
      : `x="${short(x)}" y="${short(y)}"`;
    const bold = weight ? ` font-weight="${weight}"` : "";
    this.#parts.push(
      `<text ${place} font-size="${size}" text-anchor="${anchor}" fill="${colour}"${bold}>${escapeHtml(text)}</text>`,
    );
  }

  clip(x: number, y: number, width: number, height: number): void {
    const id = `${this.#id}-${this.#clips++}`;
    this.#parts.push(
      `<clipPath id="${id}"><rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"/></clipPath><g clip-path="url(#${id})">`,
    );
  }

  unclip(): void {
    this.#parts.push("</g>");
  }

  /** What follows lies lower by so many pixels. */
  shift(y: number): void {
    this.#parts.push(`<g transform="translate(0 ${short(y)})">`);
    this.#shifts++;
  }

  /** The whole picture. @param label what it shows, for those who cannot see it. */
  finish(width: number, height: number, label: string): string {
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" ` +
      `font-family="${escapeHtml(FONT)}"><title>${escapeHtml(label)}</title>\n${this.#parts.join("\n")}${"</g>".repeat(this.#shifts)}\n</svg>\n`
    );
  }
}

function path(points: readonly number[]): string {
  let d = "";
  for (let i = 0; i < points.length; i += 2) d += `${i === 0 ? "M" : "L"}${short(points[i])} ${short(points[i + 1])}`;
  return d;
}

function strokeOf({ colour, width = 1, opacity = 1, dash }: Stroke): string {
  const dashes = dash?.length ? ` stroke-dasharray="${dash.join(" ")}"` : "";
  return `stroke="${colour}" stroke-width="${width}"${opacity < 1 ? ` stroke-opacity="${opacity}"` : ""}${dashes}`;
}

function fillOf({ colour, opacity = 1 }: Fill): string {
  return `fill="${colour}"${opacity < 1 ? ` fill-opacity="${opacity}"` : ""}`;
}
