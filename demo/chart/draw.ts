/**
 * A picture of axes and marks, drawn by a pen of either kind.
 *
 * @module
 */
import type { Pen } from "./pen.ts";
import { type Axis, placeOn, ticksOf } from "./scale.ts";
import { type Colour, heat, type Theme } from "./theme.ts";

interface Points {
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
}

/** What is drawn on the axes, in order. */
export type Mark =
  | (Points & {
      readonly kind: "dots";
      readonly colour: Colour;
      readonly radius?: number;
      readonly opacity?: number;
      readonly hollow?: boolean;
      /** Ends of error bars. */
      readonly low?: ArrayLike<number>;
      readonly high?: ArrayLike<number>;
      /** Shades from 0 to 1 in place of the colour. */
      readonly shade?: ArrayLike<number>;
      /** Whether a click may choose one. */
      readonly pick?: boolean;
    })
  | (Points & {
      readonly kind: "line";
      readonly colour: Colour;
      readonly width?: number;
      readonly dash?: readonly number[];
      readonly opacity?: number;
    })
  | {
      readonly kind: "band";
      readonly x: ArrayLike<number>;
      readonly low: ArrayLike<number>;
      readonly high: ArrayLike<number>;
      readonly colour: Colour;
    }
  | {
      readonly kind: "rule";
      readonly at: number;
      readonly across: "x" | "y";
      readonly colour: Colour;
      readonly label?: string;
    }
  | {
      /** Values from 0 to 1 on a grid over the whole picture, row by row from the top; NaN: none. */
      readonly kind: "cells";
      readonly columns: number;
      readonly values: ArrayLike<number>;
    }
  | { readonly kind: "note"; readonly x: number; readonly y: number; readonly text: string; readonly colour: Colour };

export interface Picture {
  /** What it shows, for those who cannot see it. */
  readonly label: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly marks: readonly Mark[];
}

/** An entry of a legend. */
export interface Key {
  readonly kind: "dot" | "line" | "dashed" | "dotted" | "heat";
  readonly colour?: Colour;
  readonly text: string;
}

/** Where the axes are. */
export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const TICK_SIZE = 12;
const LABEL_SIZE = 13;

export function frameOf(width: number, height: number): Frame {
  const left = 62;
  const top = 12;
  return { left, top, width: Math.max(10, width - left - 14), height: Math.max(10, height - top - 48) };
}

/** Places of points, x and y in turn; those that have none, or are far outside, are left out. */
function project({ x, y }: Points, picture: Picture, frame: Frame): number[] {
  const out: number[] = [];
  for (let i = 0; i < x.length; i++) {
    const [px, py] = place(picture, frame, x[i], y[i]);
    if (Number.isFinite(px) && Number.isFinite(py)) out.push(px, py);
  }
  return out;
}

/** The place of a point in pixels; NaN where it has none. */
export function place(picture: Picture, frame: Frame, x: number, y: number): [number, number] {
  return [frame.left + frame.width * placeOn(picture.x, x), frame.top + frame.height * (1 - placeOn(picture.y, y))];
}

const HEADING = 30;
const KEY = 19;
const SWATCHES = 24;

/** Pixels that the heading of a kept picture takes. */
export function headingHeight(keys: readonly Key[]): number {
  return HEADING + KEY * keys.length;
}

/** Title and legend, for a picture that leaves the page. */
export function drawHeading(title: string, keys: readonly Key[], pen: Pen, theme: Theme, width: number): void {
  pen.rect(0, 0, width, headingHeight(keys), { colour: theme.paper });
  pen.text(14, 20, title, { colour: theme.ink, size: LABEL_SIZE + 1, anchor: "start", weight: "bold" });
  keys.forEach(({ kind, colour = "ink", text }, i) => {
    const y = HEADING + KEY * i + 9;
    const own = { colour: theme[colour], width: 2.5 };
    if (kind === "dot") pen.dots([26, y], 5, own, undefined);
    else if (kind === "line") pen.line([14, y, 38, y], own);
    else if (kind !== "heat") pen.line([14, y, 38, y], { ...own, width: 2, dash: kind === "dotted" ? [2, 3] : [6, 4] });
    else for (let k = 0; k < SWATCHES; k++) pen.rect(14 + k, y - 5, 1.5, 10, { colour: heat(k / (SWATCHES - 1)) });
    pen.text(46, y + 4, text, { colour: theme.soft, size: TICK_SIZE, anchor: "start" });
  });
}

/** Draws a picture. */
export function draw(picture: Picture, pen: Pen, theme: Theme, width: number, height: number): void {
  const frame = frameOf(width, height);
  pen.rect(0, 0, width, height, { colour: theme.paper });
  axes(picture, pen, theme, frame);
  pen.clip(frame.left - 1, frame.top - 6, frame.width + 8, frame.height + 7);
  for (const mark of picture.marks) drawMark(mark, picture, pen, theme, frame);
  pen.unclip();
}

function axes(picture: Picture, pen: Pen, theme: Theme, frame: Frame): void {
  const { left, top, width, height } = frame;
  const bottom = top + height;
  const lettering = { colour: theme.soft, size: TICK_SIZE } as const;
  for (const [value, text] of ticksOf(picture.y, Math.max(2, Math.floor(height / 45)))) {
    const y = bottom - height * placeOn(picture.y, value);
    if (!(y >= top - 1 && y <= bottom + 1)) continue;
    pen.line([left, y, left + width, y], { colour: theme.line, width: 1 });
    pen.text(left - 7, y + 4, text, { ...lettering, anchor: "end" });
  }
  for (const [value, text] of ticksOf(picture.x, Math.max(2, Math.floor(width / 75)))) {
    const x = left + width * placeOn(picture.x, value);
    if (!(x >= left - 1 && x <= left + width + 1)) continue;
    pen.line([x, bottom, x, bottom + 5], { colour: theme.soft, width: 1 });
    pen.text(x, bottom + 18, text, { ...lettering, anchor: "middle" });
  }
  pen.line([left, bottom, left + width, bottom], { colour: theme.soft, width: 1 });
  const label = { colour: theme.ink, size: LABEL_SIZE, anchor: "middle" } as const;
  pen.text(left + width / 2, bottom + 38, picture.x.label, label);
  pen.text(15, top + height / 2, picture.y.label, { ...label, turned: true });
}

function drawMark(mark: Mark, picture: Picture, pen: Pen, theme: Theme, frame: Frame): void {
  switch (mark.kind) {
    case "line":
      pen.line(project(mark, picture, frame), {
        colour: theme[mark.colour],
        width: mark.width ?? 2,
        dash: mark.dash,
        opacity: mark.opacity,
      });
      return;
    case "band": {
      const { x, low, high } = mark;
      const forth = project({ x, y: high }, picture, frame);
      const back = project({ x, y: low }, picture, frame);
      const turned: number[] = [];
      for (let i = back.length - 2; i >= 0; i -= 2) turned.push(back[i], back[i + 1]);
      pen.area([...forth, ...turned], { colour: theme[mark.colour], opacity: 0.2 });
      return;
    }
    case "rule": {
      const { left, top, width, height } = frame;
      const colour = theme[mark.colour];
      const stroke = { colour, width: 1.5, dash: [5, 4] };
      if (mark.across === "y") {
        const [, y] = place(picture, frame, picture.x.domain[1], mark.at);
        pen.line([left, y, left + width, y], stroke);
        if (mark.label) pen.text(left + width - 4, y - 6, mark.label, { colour, size: TICK_SIZE, anchor: "end" });
      } else {
        const [x] = place(picture, frame, mark.at, picture.y.domain[1]);
        pen.line([x, top, x, top + height], stroke);
        const late = x > left + width * 0.7;
        if (mark.label) {
          // on paper of its own, lest lines strike it through
          const wide = 0.6 * TICK_SIZE * mark.label.length;
          pen.rect(late ? x - 5 - wide : x + 4, top, wide + 2, TICK_SIZE + 3, { colour: theme.paper, opacity: 0.85 });
          pen.text(x + (late ? -5 : 5), top + 11, mark.label, {
            colour,
            size: TICK_SIZE,
            anchor: late ? "end" : "start",
          });
        }
      }
      return;
    }
    case "cells": {
      const { columns, values } = mark;
      const rows = Math.ceil(values.length / columns);
      const [w, h] = [frame.width / columns, frame.height / rows];
      for (let i = 0; i < values.length; i++) {
        if (Number.isNaN(values[i])) continue;
        // on whole pixels, so that no seam shows
        const [left, right] = [i % columns, (i % columns) + 1].map((c) => Math.round(frame.left + c * w));
        const [top, bottom] = [0, 1].map((r) => Math.round(frame.top + (Math.floor(i / columns) + r) * h));
        pen.rect(left, top, right - left, bottom - top, { colour: heat(values[i]) });
      }
      return;
    }
    case "note": {
      const [x, y] = place(picture, frame, mark.x, mark.y);
      pen.text(x, y, mark.text, { colour: theme[mark.colour], size: TICK_SIZE, anchor: "start" });
      return;
    }
    case "dots":
      dots(mark, picture, pen, theme, frame);
  }
}

function dots(mark: Mark & { kind: "dots" }, picture: Picture, pen: Pen, theme: Theme, frame: Frame): void {
  const { x, low, high, radius = 3, opacity = 1, shade, hollow } = mark;
  const colour = theme[mark.colour];
  if (low && high) {
    for (let i = 0; i < x.length; i++) {
      const bar = project({ x: [x[i], x[i]], y: [low[i], high[i]] }, picture, frame);
      if (bar.length === 4) pen.line(bar, { colour, width: 1.2, opacity: Math.min(1, opacity + 0.1) });
    }
  }
  if (shade) {
    for (let i = 0; i < x.length; i++) {
      const at = project({ x: [x[i]], y: [mark.y[i]] }, picture, frame);
      pen.dots(at, radius, { colour: heat(shade[i]), opacity }, { colour: theme.ink, width: 1, opacity: 0.6 });
    }
    return;
  }
  const at = project(mark, picture, frame);
  if (hollow) pen.dots(at, radius, undefined, { colour, width: 1.8, opacity });
  else pen.dots(at, radius, { colour, opacity }, undefined);
}
