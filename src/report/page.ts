/**
 * A self-contained page: no script, no font, no picture from elsewhere; for screens of any size, light and dark, and paper.
 *
 * @module
 */
import { escapeHtml } from "./format.ts";

export const COLOURS_LIGHT = `
  --paper: #ffffff; --panel: #f5f7f9; --ink: #1c2126; --soft: #59636e; --line: #d5dbe1;
  --mark: #0b62b8; --mark-soft: #0b62b833; --second: #c2410c; --third: #6b7280;
  --heat-1: #d7e6f4; --heat-2: #a9cbe8; --heat-3: #74aad8; --heat-4: #3f86c2; --heat-5: #195f9f; --heat-6: #083767;`;
const COLOURS_DARK = `
  --paper: #10151b; --panel: #182028; --ink: #e4e9ee; --soft: #9ca8b5; --line: #2d3742;
  --mark: #6cb6ff; --mark-soft: #6cb6ff33; --second: #ff9e64; --third: #8b949e;
  --heat-1: #173350; --heat-2: #1f4c78; --heat-3: #2b6ca8; --heat-4: #4a93d4; --heat-5: #82bcee; --heat-6: #cbe5fc;`;

const STYLE = `
:root { color-scheme: light dark;${COLOURS_LIGHT}
}
@media (prefers-color-scheme: dark) { :root {${COLOURS_DARK}
} }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; -webkit-text-size-adjust: 100%; }
main { max-width: 52rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0.5rem 0 1rem; text-wrap: balance; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 2.5rem 0 0.5rem; }
p { margin: 0.6rem 0; }
sup { line-height: 0; }
.soft { color: var(--soft); }
code, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 0.85em; overflow-wrap: anywhere; }
figure { margin: 1rem 0; }
figcaption { color: var(--soft); font-size: 0.9rem; margin-top: 0.4rem; }
figcaption p { margin: 0.4rem 0; }
figure svg { display: block; width: 100%; height: auto; overflow: visible; }
.narrow { display: none; }
.legend { display: flex; flex-wrap: wrap; gap: 0.3rem 1.1rem; font-size: 0.85rem; color: var(--soft); margin: 0.5rem 0; align-items: center; }
.legend span { display: inline-flex; align-items: center; gap: 0.4rem; }
.legend i { display: inline-block; width: 0.9rem; height: 0.9rem; border-radius: 2px; flex: none; }
.legend i.line { height: 0; border-radius: 0; border-top: 2px solid; width: 1.4rem; }
.legend i.dashed { border-top-style: dashed; }
.legend i.dot { border-radius: 50%; width: 0.6rem; height: 0.6rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(13rem, 45%), 1fr)); gap: 0.6rem; margin: 1rem 0; padding: 0; }
.cards div { background: var(--panel); border-radius: 8px; padding: 0.6rem 0.8rem; }
.cards dt { color: var(--soft); font-size: 0.82rem; line-height: 1.3; }
.cards dd { margin: 0.15rem 0 0; font-size: 1.15rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.cards dd small { display: block; font-size: 0.78rem; font-weight: 400; color: var(--soft); line-height: 1.35; }
.scroll { overflow-x: auto; margin: 1rem 0; -webkit-overflow-scrolling: touch; }
table { border-collapse: collapse; width: 100%; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
th { text-align: right; font-weight: 600; color: var(--soft); vertical-align: bottom; line-height: 1.25; }
td { text-align: right; white-space: nowrap; vertical-align: middle; }
th, td { padding: 0.3rem 0.5rem; border-bottom: 1px solid var(--line); }
th.left, td.left { text-align: left; }
td .mono { display: inline-block; width: 16ch; font-size: 0.95em; line-height: 1.3; white-space: normal; }
td small, th small { color: var(--soft); display: block; font-size: 0.92em; font-weight: 400; }
.picture { display: block; width: 64px; height: auto; max-height: 48px; background: var(--panel); outline: 1px solid var(--line); }
.facts th { text-align: left; width: 11rem; vertical-align: top; }
.facts td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
.panels { display: grid; grid-template-columns: repeat(2, 1fr); gap: 0.5rem 1.5rem; }
.panels figure { margin: 0.4rem 0; }
.panels h3 { font-size: 0.95rem; margin: 0.4rem 0 0; }
.finding { background: var(--panel); border-left: 4px solid var(--mark); border-radius: 0 8px 8px 0; padding: 0.8rem 1rem; font-size: 1.05rem; }
@media (max-width: 34rem) {
  .panels { grid-template-columns: 1fr; }
  .wide { display: none; }
  .narrow { display: block; }
  h1 { font-size: 1.4rem; }
  .facts th { width: 7.5rem; }
}
@media print {
  :root {${COLOURS_LIGHT}
  }
  main { max-width: none; padding: 0; }
  figure, .cards div, .finding, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
  .scroll { overflow: visible; }
  table { font-size: 0.72rem; }
  body { font-size: 0.9rem; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;

/** A number with its name, for a list of cards. All are HTML. */
export function card(term: string, value: string, note = ""): string {
  return `<div><dt>${term}</dt><dd>${value}${note ? `<small>${note}</small>` : ""}</dd></div>`;
}

/** Names and values, as HTML; those without a value are left out. */
export function factsTable(facts: ReadonlyArray<readonly [string, string | undefined]>): string {
  const rows = facts.filter(([, value]) => value).map(([name, value]) => `<tr><th>${name}</th><td>${value}</td></tr>`);
  return `<table class="facts"><tbody>\n${rows.join("\n")}\n</tbody></table>`;
}

/** A table. Columns whose titles begin with `<` are to the left. All are HTML. */
export function dataTable(titles: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const left = titles.map((title) => title.startsWith("<"));
  const cell = (tag: string, text: string, c: number): string =>
    `<${tag}${left[c] ? ' class="left"' : ""}>${text}</${tag}>`;
  const head = titles.map((title, c) => cell("th", left[c] ? title.slice(1) : title, c)).join("");
  const body = rows.map((row) => `<tr>${row.map((text, c) => cell("td", text, c)).join("")}</tr>`).join("\n");
  return `<div class="scroll"><table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${body}\n</tbody></table></div>`;
}

/** @param body HTML. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}
