/**
 * `<flatvol-prior>` and `<flatvol-rescale>`: figures of the page for any other page, by one script tag. What their attributes
 * mean stands in README.md.
 *
 * @module
 */
import { createPool, type Pool, type PoolOptions } from "flatvol";
import style from "./figures.css?inline";
import type { Part, PartContext } from "./part.ts";
import { priorPart } from "./parts/prior.ts";
import { rescalePart } from "./parts/rescale.ts";
import { parseSetting, power, type State, type StateKey, standardState } from "./state.ts";
import { workersBesidePage } from "./threads.ts";

/** What a kind of element is made of. */
interface Kind {
  readonly make: (context: PartContext) => Part;
  /** Attributes and the settings that they are. */
  readonly settings: Readonly<Record<string, StateKey>>;
}

const PRIOR: Kind = {
  make: priorPart,
  settings: {
    bits: "pBits",
    depth: "pDepth",
    width: "pWidth",
    "sigma-w2": "pW2",
    "sigma-b2": "pB2",
    seed: "pSeed",
    function: "pFunction",
  },
};
const RESCALE: Kind = {
  make: rescalePart,
  settings: { target: "rTarget", alpha: "rAlpha", layer: "rLayer", directions: "rView", seed: "rSeed" },
};

/** What an element shows beside its settings, once it is made. */
const OWN_STYLE = `
:host { display: block; background: none; }
[hidden], .left-out { display: none !important; }
.part > :first-child { margin-top: 0; }
`;

/** Pools by what their elements ask for: those of a page share one, which ends with the last of them. */
const pools = new Map<string, { readonly pool: Pool; users: number }>();

/** How an element's pool is made. */
function poolOptionsOf(host: HTMLElement): PoolOptions {
  const worker = host.getAttribute("worker");
  const workers = host.getAttribute("workers");
  if (workers !== null && !/^\d{1,3}$/.test(workers)) {
    throw new RangeError(`workers: expected a number from 0 to 999, got "${workers}"`);
  }
  return {
    ...(worker ? { worker: () => new Worker(worker) } : {}),
    workers: workers ? Number(workers) : workersBesidePage(),
  };
}

function borrowPool(key: string, options: PoolOptions): Pool {
  let known = pools.get(key);
  if (!known) {
    known = { pool: createPool(options), users: 0 };
    pools.set(key, known);
  }
  known.users++;
  return known.pool;
}

function returnPool(key: string): void {
  const known = pools.get(key);
  if (!known || --known.users > 0) return;
  pools.delete(key);
  void known.pool.close();
}

// where there are no elements, as on a server, the module can still be imported
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

function elementOf({ make, settings }: Kind): typeof HTMLElement {
  return class extends Base {
    static readonly observedAttributes = [...Object.keys(settings), "show", "worker", "workers"];
    #part: Part | undefined;
    /** The pool that it has borrowed. */
    #key = "";
    readonly #state = standardState();
    /** Attributes as they were when they were last followed: what the reader has set since stays. */
    readonly #followed = new Map<string, string | null>();
    #seen: IntersectionObserver | undefined;
    #asked = false;

    connectedCallback(): void {
      this.#ask();
    }

    disconnectedCallback(): void {
      // it may only have been moved
      setTimeout(() => {
        if (!this.isConnected) this.#close();
      });
    }

    attributeChangedCallback(_name: string, before: string | null, after: string | null): void {
      if (before !== after) this.#ask();
    }

    /** Several attributes may be set in a row. */
    #ask(): void {
      if (this.#asked) return;
      this.#asked = true;
      queueMicrotask(() => {
        this.#asked = false;
        if (this.isConnected) this.#render();
      });
    }

    #render(): void {
      const root = this.shadowRoot ?? this.#root();
      try {
        const changed = this.#follow();
        const key = JSON.stringify([this.getAttribute("worker"), this.getAttribute("workers")]);
        if (this.#part && key !== this.#key) this.#close();
        if (changed) this.#part?.refresh();
        const part = this.#part ?? this.#open(key);
        showOnly(part.element, this.getAttribute("show"));
        if (part.element.parentNode === root) return;
        root.replaceChildren(part.element);
        this.#watch(part);
      } catch (error) {
        this.#close();
        const problem = document.createElement("p");
        problem.className = "failure";
        problem.setAttribute("role", "alert");
        problem.textContent = `${this.localName}: ${error instanceof Error ? error.message : String(error)}`;
        root.replaceChildren(problem);
      }
    }

    /** Takes over the settings whose attributes changed. @returns whether any did. */
    #follow(): boolean {
      const texts = Object.keys(settings).map((name) => [name, this.getAttribute(name)] as const);
      const changed = texts.filter(([name, text]) => this.#followed.get(name) !== text);
      const found = Object.fromEntries(
        changed.map(([name, text]) => [settings[name], settingOf(settings[name], text, name)]),
      );
      const next: State = { ...this.#state, ...found };
      const digits = Math.ceil(2 ** next.pBits / 4);
      if (next.pFunction && next.pFunction.length !== digits) {
        if ("pFunction" in found) {
          throw new RangeError(
            `function: expected ${digits} hex digits for ${next.pBits} bits, got ${next.pFunction.length}`,
          );
        }
        next.pFunction = "";
      }
      Object.assign(this.#state, next);
      for (const [name, text] of changed) this.#followed.set(name, text);
      return changed.length > 0;
    }

    #root(): ShadowRoot {
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [styleSheet()];
      return root;
    }

    #open(key: string): Part {
      const poolOptions = poolOptionsOf(this);
      const pool = borrowPool(key, poolOptions);
      this.#key = key;
      const stateChanged = (): void => {
        const detail = Object.fromEntries(
          Object.entries(settings).map(([name, key]) => [name, settingText(this.#state, key)]),
        );
        this.dispatchEvent(new CustomEvent("flatvol-change", { detail, bubbles: true }));
      };
      try {
        this.#part = make({ pool, poolOptions, state: this.#state, stateChanged });
      } catch (error) {
        returnPool(key);
        throw error;
      }
      return this.#part;
    }

    /** It works while a part of it is in the window. */
    #watch(part: Part): void {
      this.#seen?.disconnect();
      this.#seen = new IntersectionObserver((entries) => part.inView(entries.at(-1)?.isIntersecting ?? false));
      this.#seen.observe(this);
    }

    #close(): void {
      this.#seen?.disconnect();
      if (!this.#part) return;
      this.#part.inView(false);
      this.#part.close();
      this.#part.element.remove();
      this.#part = undefined;
      returnPool(this.#key);
    }
  };
}

let sheet: CSSStyleSheet | undefined;

/** Of all elements. Not an element: a strict Content-Security-Policy would refuse that. */
function styleSheet(): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(style + OWN_STYLE);
  }
  return sheet;
}

function settingOf(key: StateKey, text: string | null, name: string): string | number {
  if (text === null) return standardState()[key];
  return parseSetting(key, key === "rAlpha" ? exponentOf(text) : text, name);
}

/** The slider's exponent of an alpha. */
function exponentOf(text: string): string {
  const alpha = Number(text);
  if (!(alpha >= 1 / 8 && alpha <= 8)) throw new RangeError(`alpha: expected a number from 0.125 to 8, got "${text}"`);
  return Math.log2(alpha).toFixed(1);
}

function settingText(state: State, key: StateKey): string {
  return String(key === "rAlpha" ? power(2, state.rAlpha) : state[key]);
}

/** Hides what is not named; the buttons and messages stay. */
function showOnly(part: HTMLElement, names: string | null): void {
  const pieces = [...part.querySelectorAll<HTMLElement>("[data-show]")];
  const known = new Set(pieces.map(({ dataset }) => dataset.show as string));
  const wanted = names?.split(/\s+/).filter(Boolean) ?? [...known];
  for (const name of wanted) {
    if (!known.has(name)) throw new RangeError(`show: expected names among ${[...known].join(", ")}, got "${name}"`);
  }
  for (const piece of pieces) piece.classList.toggle("left-out", !wanted.includes(piece.dataset.show as string));
}

if (globalThis.customElements) {
  customElements.define("flatvol-prior", elementOf(PRIOR));
  customElements.define("flatvol-rescale", elementOf(RESCALE));
}
