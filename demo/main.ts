/**
 * The page: four parts, of which one is in view and works; one pool of workers; the state in the address.
 *
 * @module
 */
import { createPool } from "flatvol";
import type { Part, PartContext } from "./part.ts";
import { priorPart } from "./parts/prior.ts";
import { formatState, PARTS, parseState, type State } from "./state.ts";

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
const pool = createPool();
const made = new Map<State["part"], Promise<Part>>();
const stage = document.getElementById("stage") as HTMLElement;
const tabs = new Map(PARTS.map((name) => [name, document.getElementById(`tab-${name}`) as HTMLAnchorElement]));
const problem = document.getElementById("problem") as HTMLElement;
let shown: Part | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

const link = (): string => `#${formatState(state)}`;

const context: PartContext = {
  pool,
  state,
  stateChanged() {
    clearTimeout(timer);
    timer = setTimeout(() => history.replaceState(null, "", link()), LINK_MS);
  },
  open(part) {
    state.part = part;
    history.pushState(null, "", link());
    made.get(part)?.then((known) => known.refresh(), fail);
    void show();
  },
};

function fail(error: unknown): void {
  problem.hidden = false;
  problem.textContent = `This part could not be opened: ${error instanceof Error ? error.message : String(error)}`;
}

/** Brings the part that the state names into view. */
async function show(): Promise<void> {
  const name = state.part;
  for (const [each, tab] of tabs) {
    if (each === name) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  shown?.inView(false);
  shown = undefined;
  problem.hidden = true;
  try {
    let part = made.get(name);
    if (!part) {
      part = Promise.resolve(MAKERS[name](context));
      made.set(name, part);
    }
    const ready = await part;
    if (state.part !== name) return;
    stage.replaceChildren(ready.element);
    shown = ready;
    ready.inView(true);
  } catch (error) {
    made.delete(name);
    fail(error);
  }
}

for (const [name, tab] of tabs) {
  tab.addEventListener("click", (event) => {
    event.preventDefault();
    if (state.part === name) return;
    state.part = name;
    history.pushState(null, "", link());
    void show();
  });
}

/** The address was changed by hand, or by going back. */
function follow(): void {
  const asked = parseState(location.hash);
  if (formatState(asked) === formatState(state)) return;
  clearTimeout(timer);
  const onlyPart = formatState({ ...asked, part: state.part }) === formatState(state);
  Object.assign(state, asked);
  if (!onlyPart) for (const part of made.values()) part.then((known) => known.refresh(), fail);
  void show();
}
addEventListener("popstate", follow);
addEventListener("hashchange", follow);

const share = document.getElementById("share") as HTMLButtonElement;
share.addEventListener("click", async () => {
  history.replaceState(null, "", link());
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
void show();
