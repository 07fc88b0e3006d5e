/**
 * One function: on the hypercube, its orbit, and its volume by every method.
 *
 * @module
 */
import { complexity, createPool, type NetworkOptions } from "flatvol";
import { wilsonInterval } from "flatvol/statistics";
import type { VolumeMethod } from "flatvol/volume";
import { bitsOf } from "../boolean.ts";
import type { Census } from "../census.ts";
import { element } from "../elements.ts";
import { short, whole, withError } from "../format.ts";
import { hypercube } from "../hypercube.ts";
import type { PartContext } from "../part.ts";

interface Method {
  readonly method: VolumeMethod;
  readonly name: string;
  readonly about: string;
}

/** Of splitting. */
const REPETITIONS = 4;
/** Quick ones first. */
const METHODS: readonly Method[] = [
  { method: "ep", name: "expectation propagation", about: "infinitely wide; an approximation" },
  { method: "orthant", name: "exact orthant", about: "infinitely wide; unbiased" },
  { method: "laplace", name: "Laplace, probit", about: "infinitely wide; of f under unit noise: another number" },
  {
    method: "splitting",
    name: "multilevel splitting",
    about: `this very width; takes seconds; the error is from ${REPETITIONS} repetitions`,
  },
];
/** 0.2 s on one thread for 128 points. */
const ORTHANT_SAMPLES = 2 ** 13;
/** On a worker of its own: its repetitions take seconds, for which the shared ones would leave the stream dry. */
const SPLITTING = { repetitions: REPETITIONS, particles: 60 } as const;

interface Chosen {
  readonly function: string;
  readonly network: NetworkOptions;
  readonly complexity: number;
}

export class FunctionPanel {
  readonly element: HTMLElement;
  readonly #context: PartContext;
  readonly #census: () => Census | undefined;
  readonly #picture = element("div", { class: "cube-box" });
  readonly #facts = element("dl", { class: "facts" });
  readonly #rows = element("tbody");
  readonly #train = element("button", { type: "button" }, "Train networks on this function");
  #run = new AbortController();
  #chosen: Chosen | undefined;
  /** What `show` was last asked for; it is chosen only once it is described. */
  #wanted: Pick<Chosen, "function" | "network"> | undefined;
  #unfinished = false;

  constructor(context: PartContext, census: () => Census | undefined) {
    this.#context = context;
    this.#census = census;
    this.#train.addEventListener("click", () => {
      const f = this.#chosen?.function;
      if (f?.length !== 32) return;
      context.state.tTarget = f;
      context.state.sTarget = f;
      context.state.rTarget = f;
      context.open?.("train");
    });
    const head = element("tr");
    for (const title of ["method", "log₁₀ P(f)", "seconds"]) head.append(element("th", { scope: "col" }, title));
    const table = element(
      "table",
      { class: "methods" },
      element("caption", {}, "Its volume, by every method, ± one standard error"),
      element("thead", {}, head),
      this.#rows,
    );
    this.element = element(
      "section",
      { class: "function", "data-show": "function", "aria-label": "The chosen function", "aria-live": "off" },
      element("h3", {}, "The chosen function"),
      element("div", { class: "columns" }, this.#picture, element("div", {}, this.#facts, table, this.#train)),
    );
    this.element.hidden = true;
  }

  /** The part came into view or went out of it: what was cut short begins anew. */
  inView(inView: boolean): void {
    if (!inView) this.#run.abort();
    else if (this.#unfinished && this.#wanted) this.show(this.#wanted.function, this.#wanted.network);
  }

  clear(): void {
    this.#run.abort();
    this.#chosen = undefined;
    this.#wanted = undefined;
    this.#unfinished = false;
    this.element.hidden = true;
  }

  /** The estimate of the count so far, for the picture. */
  interval(samples: number): { probability: number; ci95: readonly [number, number]; complexity: number } | undefined {
    const count = this.#chosen && this.#census()?.countOf(this.#chosen.function);
    if (!this.#chosen || count === undefined || count === 0) return undefined;
    return { probability: count / samples, ci95: wilsonInterval(count, samples), complexity: this.#chosen.complexity };
  }

  /** Shows a function, and begins to weigh it. */
  show(f: string, network: NetworkOptions): void {
    this.#run.abort();
    this.#run = new AbortController();
    this.#wanted = { function: f, network };
    this.#unfinished = true;
    const { signal } = this.#run;
    void this.#describe(f, network, signal).catch((error: unknown) => {
      if (!signal.aborted) {
        this.#facts.replaceChildren(element("dd", { class: "failure" }, String(error)));
      }
    });
  }

  /** The counts have grown. */
  recount(): void {
    const chosen = this.#chosen;
    const census = this.#census();
    if (!chosen || !census?.table || this.element.hidden) return;
    const count = census.countOf(chosen.function);
    if (count !== undefined) {
      const p = count / census.samples;
      const text =
        count > 0
          ? withError(Math.log10(p), Math.sqrt((1 - p) / count) / Math.LN10)
          : `below ${short(Math.log10(wilsonInterval(0, census.samples)[1]), 3)} (95 %)`;
      this.#set("count", "counted", `${whole(count)} of ${whole(census.samples)} networks`, text, "");
    } else this.#set("count", "counted", "not among the functions that are counted on", "–", "");
    const orbit = census.table.orbit(chosen.function);
    const functions = `${whole(orbit.orbitSize)} ${orbit.orbitSize === 1 ? "function" : "functions"}`;
    // narrow layers without biases are dead too often for negation to be a symmetry
    const negated = census.table.symmetry.negation === 0 ? "" : ", output negated";
    const text =
      orbit.orbitCount > 0
        ? withError(Math.log10(orbit.probability), orbit.standardError / orbit.probability / Math.LN10)
        : `below ${short(Math.log10(orbit.ci95[1]), 3)} (95 %)`;
    this.#set(
      "orbit",
      "counted, whole orbit",
      `${whole(orbit.orbitCount)} networks on ${functions} of one P`,
      text,
      "",
    );
    this.#fact("orbit", `${functions}: input bits permuted${negated}`);
  }

  async #describe(f: string, network: NetworkOptions, signal: AbortSignal): Promise<void> {
    const bits = network.layers[0];
    const [found] = await complexity([f], { bits });
    if (signal.aborted) return;
    this.#chosen = { function: f, network, complexity: found.lempelZiv };
    const answers = bitsOf(f, 2 ** bits);
    const ones = answers.reduce((sum, b) => sum + b, 0);
    this.element.hidden = false;
    this.#picture.innerHTML = `${hypercube(answers, `The function ${f} on the ${bits}-dimensional hypercube: ${ones} of ${answers.length} corners are 1`)}
<p class="caption">A corner for each of the ${answers.length} inputs, filled where the answer is 1; an edge flips one bit, and is drawn strong where that flips the answer.</p>`;
    this.#facts.replaceChildren();
    this.#fact("truth table", f);
    this.#fact("ones", `${ones} of ${answers.length}`);
    this.#fact("complexity", `Lempel–Ziv ${short(found.lempelZiv)} bits; entropy ${short(found.entropy)} bits`);
    this.#fact("sensitivity", `${short(found.sensitivity)} of ${bits} bit flips change the answer, on average`);
    this.#rows.replaceChildren();
    this.#train.hidden = bits !== 7 || !this.#context.open;
    this.#set("count", "counted", "", "…", "");
    this.#set("orbit", "counted, whole orbit", "", "…", "");
    this.recount();
    for (const { method, name, about } of METHODS) this.#set(method, name, about, "…", "");
    const { logVolume } = await import("flatvol/volume");
    for (const { method, name, about } of METHODS) {
      const began = performance.now();
      const { pool, poolOptions } = this.#context;
      // a worker of its own, or none where there are none: seconds of splitting would hold up the stream
      const own = method === "splitting" ? createPool({ ...poolOptions, workers: Math.min(1, pool.size) }) : undefined;
      const options = {
        method,
        ...(method === "orthant" ? { samples: ORTHANT_SAMPLES } : {}),
        ...(own ? SPLITTING : {}),
        pool: own ?? pool,
        signal,
      };
      let text: string;
      let note = about;
      try {
        const record = await logVolume({ network, labels: f }, options);
        if (record.log10P === undefined) text = "no estimate";
        else if (record.log10P === Number.NEGATIVE_INFINITY) text = "P = 0";
        else
          text = withError(
            record.log10P,
            record.standardError === undefined ? undefined : record.standardError / Math.LN10,
          );
        const doubt = record.reason ?? record.warnings[0];
        if (doubt) note = `${about}. ${doubt}`;
      } catch (error) {
        if (signal.aborted) return;
        text = "–";
        note = error instanceof Error ? error.message : String(error);
      } finally {
        void own?.close();
      }
      if (signal.aborted) return;
      this.#set(method, name, note, text, ((performance.now() - began) / 1000).toFixed(1));
    }
    this.#unfinished = false;
  }

  #fact(name: string, text: string): void {
    const known = this.#facts.querySelector(`dd[data-name="${name}"]`);
    if (known) {
      if (known.textContent !== text) known.textContent = text;
      return;
    }
    this.#facts.append(element("dt", {}, name), element("dd", { "data-name": name }, text));
  }

  #set(key: string, name: string, about: string, value: string, seconds: string): void {
    let row = this.#rows.querySelector<HTMLTableRowElement>(`tr[data-method="${key}"]`);
    if (!row) {
      row = element("tr", { "data-method": key });
      row.append(element("th", { scope: "row" }, name, element("small")), element("td"), element("td"));
      this.#rows.append(row);
    }
    const texts = [
      [row.querySelector("small"), about],
      [row.children[1], value],
      [row.children[2], seconds],
    ] as const;
    for (const [cell, text] of texts) if (cell && cell.textContent !== text) cell.textContent = text;
  }
}
