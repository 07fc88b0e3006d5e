/**
 * What the four parts have in common: a title, a sentence that tells what to see, controls, and buttons to run.
 *
 * @module
 */
import type { Pool, PoolOptions } from "flatvol";
import type { Control, Settings } from "./controls.ts";
import { announcer, element } from "./elements.ts";
import { afterFrame } from "./frames.ts";
import { Loop, type LoopState, type LoopWork } from "./loop.ts";
import type { State, StateKey } from "./state.ts";

/** What a part is given. */
export interface PartContext {
  /** The page's workers, shared by all parts. */
  readonly pool: Pool;
  /** How another pool is made here. */
  readonly poolOptions: PoolOptions;
  readonly state: State;
  /** The state was changed by a part: the link follows. */
  stateChanged(): void;
  /** Opens a part, after the state was changed for it; none where a part stands alone. */
  open?(part: State["part"]): void;
}

/** A part of the page. */
export interface Part {
  readonly element: HTMLElement;
  /** It came into view, or went out of it. */
  inView(inView: boolean): void;
  /** The state was changed from outside: a link, another part. */
  refresh(): void;
  /** It will not be seen again. */
  close(): void;
}

/** What a part is made of. */
export interface PartOptions {
  readonly id: string;
  readonly title: string;
  /** What to see. */
  readonly lead: string;
  readonly controls: (settings: Settings) => readonly Control[];
  /** A setting changed. */
  readonly changed: (key: StateKey) => void;
  readonly work: Omit<LoopWork, "changed">;
  /** What is under way, for the line beside the buttons. */
  readonly status: () => string;
  /** More buttons. */
  readonly extra?: readonly HTMLElement[];
  readonly body: readonly HTMLElement[];
}

const STATES: Readonly<Record<LoopState, string>> = {
  running: "running",
  paused: "paused",
  done: "done",
  failed: "stopped",
};

/** Pieces that are laid out before the work begins. */
const PIECES_FIRST = 3;

/** The frame of a part. */
export class PartFrame {
  readonly element: HTMLElement;
  readonly loop: Loop;
  readonly controls: readonly Control[];
  readonly #speaker = announcer();
  readonly #status = element("span", { class: "status" });
  readonly #failure = element("p", { class: "failure", role: "alert" });
  readonly #toggle = element("button", { type: "button", class: "main" }, "Pause");
  readonly #options: PartOptions;
  /** Pieces that are not laid out yet. */
  readonly #later: HTMLElement[];
  readonly #pieces: number;
  #inView = false;
  #layingOut = false;

  constructor(context: PartContext, options: PartOptions) {
    this.#options = options;
    this.#failure.hidden = true;
    this.loop = new Loop({ ...options.work, changed: (state, failure) => this.#changed(state, failure) });
    this.controls = options.controls({
      state: context.state,
      changed: (key) => {
        context.stateChanged();
        options.changed(key);
      },
    });
    const again = element("button", { type: "button" }, "Start again");
    this.#toggle.addEventListener("click", () => {
      if (this.loop.state === "running") this.loop.pause();
      else this.loop.resume();
    });
    again.addEventListener("click", () => {
      this.loop.restart();
      this.loop.resume();
    });
    // rows of pictures piece by piece
    this.#later = options.body.flatMap((piece) =>
      piece.classList.contains("pictures") ? ([...piece.children] as HTMLElement[]) : [piece],
    );
    const bar = element("div", { class: "bar" }, this.#toggle, again, ...(options.extra ?? []), this.#status);
    const panel = element(
      "fieldset",
      { class: "controls", "data-show": "settings" },
      element("legend", {}, "Settings"),
      ...this.controls.map((control) => control.element),
    );
    this.#later.unshift(panel, bar);
    this.#pieces = this.#later.length;
    for (const piece of this.#later) piece.classList.add("later");
    this.element = element(
      "section",
      { id: `part-${options.id}`, class: "part", "aria-labelledby": `title-${options.id}` },
      element("h2", { id: `title-${options.id}`, "data-show": "title" }, options.title),
      element("p", { class: "lead", "data-show": "title" }, options.lead),
      panel,
      bar,
      this.#failure,
      this.#speaker.element,
      ...options.body,
    );
  }

  /** It came into view, or went out of it. It works once its settings, buttons and numbers are laid out. */
  inView(inView: boolean): void {
    this.#inView = inView;
    this.#work();
    if (inView && !this.#layingOut) this.#layOut();
  }

  #work(): void {
    this.loop.inView = this.#inView && this.#later.length <= this.#pieces - PIECES_FIRST;
  }

  /** One piece a frame: laid out all at once, the first time they would block the page. */
  #layOut(): void {
    this.#layingOut = this.#inView && this.#later.length > 0;
    if (!this.#layingOut) return;
    this.#later.shift()?.classList.remove("later");
    this.#work();
    afterFrame(() => this.#layOut());
  }

  /** Says again what is under way. */
  tell(now = false): void {
    const text = this.#options.status();
    if (this.#status.textContent !== text) this.#status.textContent = text;
    this.#speaker.say(text, now);
  }

  refresh(): void {
    for (const control of this.controls) control.refresh();
  }

  #changed(state: LoopState, failure: unknown): void {
    this.element.dataset.state = STATES[state];
    this.#toggle.textContent = state === "running" ? "Pause" : state === "done" ? "Done" : "Resume";
    this.#toggle.disabled = state === "done" || state === "failed";
    this.#failure.hidden = state !== "failed";
    if (state === "failed") {
      this.#failure.textContent = `It stopped: ${failure instanceof Error ? failure.message : String(failure)}`;
    }
    this.tell(true);
  }
}
