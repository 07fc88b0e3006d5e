import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Loop, type LoopState } from "../demo/loop.ts";
import { formatState, parseState, power, RULES, type State } from "../demo/state.ts";
import { LONGER } from "./fuzz.ts";

describe("the state in a link", () => {
  it("is as by default without one, and says nothing then", () => {
    const state = parseState("");
    for (const [key, rule] of Object.entries(RULES)) expect(state[key as keyof State]).toBe(rule.standard);
    expect(formatState(state)).toBe("");
  });

  it("keeps what it says: parse(format(s)) = s for any setting of every key", () => {
    const settings = Object.fromEntries(
      Object.entries(RULES).map(([key, rule]) => {
        if (rule.kind === "number") {
          const steps = Math.round((rule.most - rule.least) / rule.step);
          const value = fc.integer({ min: 0, max: steps }).map((k) => Number((rule.least + k * rule.step).toFixed(6)));
          return [key, value];
        }
        if (rule.kind === "choice") return [key, fc.constantFrom<string>(...rule.choices)];
        const digits = (n: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${n}}$`));
        return [
          key,
          rule.kind === "target" ? fc.oneof(digits(32), fc.constantFrom<string>(...rule.choices)) : fc.constant(""),
        ];
      }),
    ) as Record<string, fc.Arbitrary<unknown>>;
    fc.assert(
      fc.property(fc.record(settings), (state) => {
        expect(parseState(`#${formatState(state as unknown as State)}`)).toEqual(state);
      }),
      { seed: 1, numRuns: 200 * LONGER },
    );
  });

  it("never throws, and never leaves its bounds, whatever a link says", () => {
    const key = fc.constantFrom(...Object.keys(RULES), "__proto__", "constructor", "x");
    const value = fc.oneof(
      fc.string(),
      fc.double().map(String),
      fc.constantFrom("1e999", "-0", "NaN", "0x10", "<script>", "%", "9".repeat(500), "7fff".repeat(99), "%E0%A4%A"),
    );
    const link = fc.array(fc.tuple(key, value)).map((pairs) => `#${pairs.map(([k, v]) => `${k}=${v}`).join("&")}`);
    fc.assert(
      fc.property(fc.oneof(link, fc.string({ maxLength: 5000 })), (text) => {
        const state = parseState(text);
        expect(Object.keys(state)).toEqual(Object.keys(RULES));
        for (const [name, rule] of Object.entries(RULES)) {
          const found = state[name as keyof State];
          if (rule.kind === "number") {
            expect(found).toBeGreaterThanOrEqual(rule.least);
            expect(found).toBeLessThanOrEqual(rule.most);
          } else if (rule.kind === "choice") expect(rule.choices).toContain(found);
          else if (rule.kind === "target" && !(rule.choices as readonly unknown[]).includes(found)) {
            expect(found).toMatch(/^[0-9a-f]{32}$/);
          } else if (rule.kind === "function" && found !== "") {
            expect(found).toMatch(new RegExp(`^[0-9a-f]{${Math.ceil(2 ** state.pBits / 4)}}$`));
          }
        }
      }),
      { seed: 1, numRuns: 500 * LONGER },
    );
  });

  it("logarithmic sliders stand for numbers of four digits, powers of two exact", () => {
    expect([power(2, -3), power(2, 0), power(2, 3), power(10, -1.3), power(2, 0.1)]).toEqual([
      0.125, 1, 8, 0.05012, 1.072,
    ]);
  });
});

describe("Loop", () => {
  /** A loop of steps that end when told. */
  const make = (steps: number) => {
    const states: LoopState[] = [];
    let done = 0;
    let resets = 0;
    let end: (() => void) | undefined;
    const loop = new Loop({
      reset: () => {
        resets++;
        done = 0;
      },
      step: async (signal) => {
        await new Promise<void>((resolve, reject) => {
          end = resolve;
          signal.addEventListener("abort", () => reject(signal.reason));
        });
        done++;
        return done < steps;
      },
      changed: (state) => states.push(state),
    });
    const finish = async (): Promise<void> => {
      // a step that is about to begin, begins
      await new Promise((resolve) => setTimeout(resolve));
      end?.();
      end = undefined;
      await new Promise((resolve) => setTimeout(resolve));
    };
    return { loop, states, finish, done: () => done, resets: () => resets };
  };

  it("works only while it is wanted and in view", async () => {
    const { loop, states, finish, done } = make(3);
    await finish();
    expect(done()).toBe(0);
    loop.inView = true;
    await finish();
    expect(done()).toBe(1);
    loop.pause();
    // the step that is under way ends, no other begins
    await finish();
    await finish();
    expect(done()).toBe(2);
    loop.inView = false;
    loop.inView = true;
    await finish();
    expect([done(), loop.state]).toEqual([2, "paused"]);
    loop.resume();
    await finish();
    await finish();
    expect([done(), loop.state]).toEqual([3, "done"]);
    expect(states).toEqual(["paused", "running", "paused", "running", "done"]);
  });

  it("begins anew: what was under way is aborted and counts no more", async () => {
    const { loop, finish, done, resets } = make(2);
    loop.inView = true;
    await finish();
    expect(done()).toBe(1);
    const { signal } = loop;
    loop.restart();
    expect([signal.aborted, done(), resets(), loop.state]).toEqual([true, 0, 2, "running"]);
    await finish();
    await finish();
    expect([done(), loop.state]).toEqual([2, "done"]);
    loop.more();
    expect(loop.state).toBe("running");
    await finish();
    expect([done(), loop.state]).toEqual([3, "done"]);
  });

  it("says why it failed, and can begin anew", async () => {
    const seen: unknown[] = [];
    let fail = true;
    const loop = new Loop({
      reset: () => {},
      step: async () => {
        if (fail) throw new Error("no luck");
        return false;
      },
      changed: (state, failure) => seen.push([state, failure]),
    });
    loop.inView = true;
    await new Promise((resolve) => setTimeout(resolve));
    expect(seen.at(-1)).toEqual(["failed", new Error("no luck")]);
    fail = false;
    loop.restart();
    await new Promise((resolve) => setTimeout(resolve));
    expect(loop.state).toBe("done");
  });
});
