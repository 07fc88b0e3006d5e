/**
 * The page: four parts, of which one is in view and works; one pool of workers; the state in the address.
 *
 * @module
 */
import { createPool } from "flatvol";
import { afterFrame, breathe } from "./frames.ts";
import type { Part, PartContext } from "./part.ts";
import { priorPart } from "./parts/prior.ts";
import { formatState, PARTS, parseState, type State } from "./state.ts";
import { workersBesidePage } from "./threads.ts";

/** The first part is there at once; the others bring the code of training and of volumes. */
const MAKERS: Record<State["part"], (context: PartContext) => Part | Promise<Part>> = {
  prior: priorPart,
  train: async (context) => (await import("./parts/train.ts")).trainPart(context),
  rescale: async (context) => (await import("./parts/rescale.ts")).rescalePart(context),
  study: async (context) => (await import("./parts/study.ts")).studyPart(context),
};
/** Milliseconds until the address follows a change: browsers refuse many a second. */
const LINK_MS = 300;

const state = parseState(location.hash);
const pool = createPool({ workers: workersBesidePage() });
const made = new Map<State["part"], Promise<Part>>();
const stage = document.getElementById("stage") as HTMLElement;
const tabs = new Map(PARTS.map((name) => [name, document.getElementById(`tab-${name}`) as HTMLAnchorElement]));
const problem = document.getElementById("problem") as HTMLElement;
let shown: Part | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

const link = (): string => `#${formatState(state)}`;
/** The address as this page, or its reader before `follow`, has left it. */
let written = location.hash;

/** The settings of a part, whose names begin with its first letter: to see whether they changed behind its back. */
const settingsOf = (part: State["part"]): string =>
  JSON.stringify(Object.entries(state).filter(([key]) => key !== "part" && key[0] === part[0]));
/** What each part has seen of them. */
const seen = new Map<State["part"], string>();

/** Tells the parts whose settings were changed by others than themselves. */
function tellParts(): void {
  for (const [name, part] of made) {
    if (seen.get(name) === settingsOf(name)) continue;
    seen.set(name, settingsOf(name));
    part.then((known) => known.refresh(), fail);
  }
}

/** Opens a part, as a step that the browser's back button undoes. */
function go(part: State["part"]): void {
  // the entry that is left keeps its own latest settings
  clearTimeout(timer);
  history.replaceState(null, "", link());
  state.part = part;
  history.pushState(null, "", link());
  written = location.hash;
  tellParts();
  void show();
}

const context: PartContext = {
  pool,
  poolOptions: {},
  state,
  stateChanged() {
    seen.set(state.part, settingsOf(state.part));
    clearTimeout(timer);
    timer = setTimeout(() => {
      // a link pasted just now must not be written over before its event comes
      if (location.hash !== written) return follow();
      history.replaceState(null, "", link());
      written = location.hash;
    }, LINK_MS);
  },
  open: go,
};

function fail(error: unknown): void {
  problem.hidden = false;
  problem.textContent = `This part could not be opened: ${error instanceof Error ? error.message : String(error)}`;
}

/** Brings the part that the state names into view. */
async function show(): Promise<void> {
  const name = state.part;
  for (const [each, tab] of tabs) {
    if (each === name) {
      tab.setAttribute("aria-current", "page");
      // on a phone the parts are a row wider than the screen
      afterFrame(() => {
        const row = tab.parentElement as HTMLElement;
        row.scrollLeft = tab.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
      });
    } else tab.removeAttribute("aria-current");
  }
  shown?.inView(false);
  shown = undefined;
  problem.hidden = true;
  try {
    let part = made.get(name);
    if (!part) {
      part = Promise.resolve(MAKERS[name](context));
      made.set(name, part);
      seen.set(name, settingsOf(name));
    }
    const ready = await part;
    if (state.part !== name) return;
    stage.replaceChildren(ready.element);
    shown = ready;
    // its work starts in a task of its own
    await breathe();
    if (shown === ready) ready.inView(true);
  } catch (error) {
    made.delete(name);
    fail(error);
  }
}

for (const [name, tab] of tabs) {
  tab.addEventListener("click", (event) => {
    event.preventDefault();
    if (state.part !== name) go(name);
  });
}

/** The address was changed by hand, or by going back. */
function follow(): void {
  written = location.hash;
  const asked = parseState(location.hash);
  if (formatState(asked) === formatState(state)) return;
  clearTimeout(timer);
  Object.assign(state, asked);
  tellParts();
  void show();
}
addEventListener("popstate", follow);
addEventListener("hashchange", follow);

const share = document.getElementById("share") as HTMLButtonElement;
share.addEventListener("click", async () => {
  history.replaceState(null, "", link());
  written = location.hash;
  try {
    await navigator.clipboard.writeText(location.href);
    share.textContent = "Link copied";
  } catch {
    // no clipboard on pages without https: the address bar has it
    share.textContent = "The link is in the address bar";
  }
  setTimeout(() => {
    share.textContent = "Copy link";
  }, 2500);
});

const { workers, hardwareThreads } = pool.info();
(document.getElementById("platform") as HTMLElement).textContent =
  `Computed in this tab by flatvol: ${workers} of ${hardwareThreads} threads, WebAssembly with SIMD. Nothing is sent anywhere.`;
// a task of its own: the header is painted first
setTimeout(show);
