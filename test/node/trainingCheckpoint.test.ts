/** Checkpoints of trainings on disk. */
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TrainingState } from "../../src/flatness.ts";
import { trainingCheckpointTo } from "../../src/node.ts";
import { LONGER } from "../fuzz.ts";

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "flatvol-training-test-"));
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

const STATE: TrainingState = {
  epoch: 7,
  convergedAt: 5,
  history: [
    { epoch: 0, loss: 0.1 + 0.2, error: Number.NaN, accuracy: Number.NaN, testAccuracy: 0.5 },
    {
      epoch: 6,
      loss: 5e-324,
      error: 0,
      accuracy: 1,
      testAccuracy: 1,
      measures: {
        spectrum: { value: Number.POSITIVE_INFINITY, invariant: false, eigenvalues: Float64Array.of(1, -Infinity) },
      },
    },
  ],
  bytes: Uint8Array.from({ length: 1000 }, (_, i) => i & 255),
};
const IDENTITY = JSON.stringify({ seed: "1", batch: 32 });
const path = (): string => join(directory, "training.state");

function kept(): Buffer {
  const store = trainingCheckpointTo(directory);
  expect(store.open(IDENTITY)).toBeUndefined();
  store.keep({ ...STATE, epoch: 6 });
  store.keep(STATE);
  expect(fs.readdirSync(directory)).toEqual(["training.state"]);
  return fs.readFileSync(path());
}

describe("trainingCheckpointTo", () => {
  it("gives back what it was given last, numbers that JSON has not among them", () => {
    kept();
    const again = trainingCheckpointTo(directory, { resume: true });
    expect(again.open(IDENTITY)).toEqual(STATE);
    expect(again.resumedEpochs).toBe(7);
    again.remove();
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  it("refuses a directory that holds one, without resume, and bad options", () => {
    kept();
    expect(() => trainingCheckpointTo(directory)).toThrow(/holds a checkpoint; expected resume/);
    expect(() => trainingCheckpointTo(join(directory, "none"))).toThrow(/^checkpoint: expected a directory .*no such/);
    expect(() => trainingCheckpointTo(directory, { every: -1 })).toThrow(/^every: /);
    expect(() => trainingCheckpointTo(directory, { resume: "yes" } as never)).toThrow(/^resume: expected a boolean/);
  });

  it("refuses that of another training, and says what differs", () => {
    kept();
    const open = (identity: string) => () => trainingCheckpointTo(directory, { resume: true }).open(identity);
    expect(open(JSON.stringify({ seed: "2", batch: 32 }))).toThrow(
      /expected one of this training in .*: its seed is "1", not "2"; remove it, or take another directory/,
    );
    expect(open(JSON.stringify({ seed: "1", batch: { a: 1 } }))).toThrow(/its batch is 32, not {"a":1}/);
    expect(open(JSON.stringify({ seed: "1", batch: 32, data: {} }))).toThrow(/its data is none, not {}/);
  });

  it("believes nothing of a damaged file: a bit turned, an end cut off, anything else", () => {
    const sound = kept();
    const refused = (bytes: Uint8Array): void => {
      fs.writeFileSync(path(), bytes);
      const store = trainingCheckpointTo(directory, { resume: true });
      expect(() => store.open(IDENTITY)).toThrow(/^checkpoint: expected one of this training .*training\.state: /);
    };
    fc.assert(
      fc.property(fc.nat(sound.length - 1), fc.nat(7), (at, bit) => {
        const bytes = Uint8Array.from(sound);
        bytes[at] ^= 1 << bit;
        refused(bytes);
      }),
      { numRuns: 200 * LONGER },
    );
    fc.assert(
      fc.property(fc.nat(sound.length - 1), (length) => refused(sound.subarray(0, length))),
      { numRuns: 50 * LONGER },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => refused(bytes)),
      { numRuns: 50 * LONGER },
    );
  });

  it("removes what a killed write left over", () => {
    kept();
    fs.writeFileSync(join(directory, ".training.state.0123456789abcdef.tmp"), "half");
    trainingCheckpointTo(directory, { resume: true }).open(IDENTITY);
    expect(fs.readdirSync(directory)).toEqual(["training.state"]);
  });

  it("two processes in one directory: the second to write stops, and what the first wrote stands", () => {
    const stores = [0, 1].map(() => trainingCheckpointTo(directory, { resume: true }));
    for (const store of stores) expect(store.open(IDENTITY)).toBeUndefined();
    stores[0].keep({ ...STATE, epoch: 6 });
    const before = fs.readFileSync(path());
    expect(() => stores[1].keep(STATE)).toThrow(/^checkpoint: another process writes to /);
    expect(fs.readFileSync(path())).toEqual(before);
    stores[0].keep(STATE);
    // and so does one whose file was removed under it
    const third = trainingCheckpointTo(directory, { resume: true });
    expect(third.open(IDENTITY)?.epoch).toBe(7);
    stores[0].remove();
    expect(() => third.keep({ ...STATE, epoch: 8 })).toThrow(/^checkpoint: another process writes to /);
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  it("a write that fails says so, and the last one stands", () => {
    const before = kept();
    const store = trainingCheckpointTo(directory, { resume: true });
    store.open(IDENTITY);
    const write = fs.writeFileSync;
    fs.writeFileSync = () => {
      throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC", syscall: "write" });
    };
    try {
      expect(() => store.keep({ ...STATE, epoch: 8 })).toThrow(
        /^checkpoint: cannot write in .* \(no space left on the disk\); the last one stands, of epoch 7$/,
      );
    } finally {
      fs.writeFileSync = write;
    }
    expect(fs.readdirSync(directory)).toEqual(["training.state"]);
    expect(fs.readFileSync(path())).toEqual(before);
  });
});
