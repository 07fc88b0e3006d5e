/** Tables split over files: any split gives the whole, and nothing else is taken for it. */
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { asyncBufferFromFile, parquetMetadataAsync } from "hyparquet";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type CountOptions, countFunctions, type FunctionTable } from "../../src/index.ts";
import { mergeTableFiles, readTable, type ShardOf, shardRange, spillToDisk, writeTable } from "../../src/node.ts";
import { LONGER } from "../fuzz.ts";

let directory: string;
let scratch: string;
beforeAll(() => {
  scratch = fs.mkdtempSync(join(tmpdir(), "flatvol-merge-test-"));
  directory = join(scratch, "files");
  fs.mkdirSync(directory);
});
afterEach(() => {
  for (const name of fs.readdirSync(directory)) fs.rmSync(join(directory, name));
});
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

const network = { layers: [5, 9, 1] };
const WHOLE = { samples: 6400, firstSample: 0 };

/** Counts a stretch and writes it. */
async function part(name: string, options: Partial<CountOptions> = {}, shard?: ShardOf, net: object = network) {
  const table = await countFunctions(net as typeof network, { ...WHOLE, workers: 0, seed: 3, ...options });
  const path = join(directory, name);
  await writeTable(table, path, { workers: 0, shard });
  return path;
}

/** Shards of a count. */
async function shards(of: number, options: Partial<CountOptions> = {}): Promise<string[]> {
  const paths: string[] = [];
  const whole = { ...WHOLE, ...options };
  for (let index = 1; index <= of; index++) {
    const range = shardRange(whole, options.outputDraws ?? 1, index, of);
    paths.push(await part(`part-${index}.parquet`, { ...options, ...range }, { index, of, ...pick(whole) }));
  }
  return paths;
}
const pick = ({ samples, firstSample }: { samples: number; firstSample: number }) => ({ samples, firstSample });

async function expectSame(table: FunctionTable, whole: FunctionTable): Promise<void> {
  expect(await table.digest()).toBe(await whole.digest());
  expect([table.samples, table.distinct, table.ranges]).toEqual([whole.samples, whole.distinct, whole.ranges]);
  expect(table.top(30)).toEqual(whole.top(30));
  expect(table.designEffect()).toEqual(whole.designEffect());
  const { function: f } = whole.top(3)[2];
  expect(table.orbit(f)).toEqual(whole.orbit(f));
  expect(table.symmetry).toEqual(whole.symmetry);
}

describe("shardRange", () => {
  it("tiles any whole in order, sizes within one body", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.constantFrom(1, 2, 16),
        fc.integer({ min: 0, max: 1000 }),
        fc.integer({ min: 1, max: 40 }),
        (bodies, draws, first, wanted) => {
          const of = Math.min(wanted, bodies);
          const whole = { samples: bodies * draws, firstSample: first * draws };
          const ranges = Array.from({ length: of }, (_, i) => shardRange(whole, draws, i + 1, of));
          let at = whole.firstSample;
          for (const { firstSample, samples } of ranges) {
            expect(firstSample).toBe(at);
            expect(samples % draws).toBe(0);
            at += samples;
          }
          expect(at).toBe(whole.firstSample + whole.samples);
          const sizes = ranges.map(({ samples }) => samples);
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(draws);
        },
      ),
      { seed: 7 },
    );
  });

  it("is exact where bodies times shards is beyond 2^53", () => {
    const whole = { samples: 2 ** 52, firstSample: 0 };
    const last = shardRange(whole, 1, 99_999, 99_999);
    expect(last.firstSample + last.samples).toBe(2 ** 52);
  });

  it("refuses what is no shard", () => {
    expect(() => shardRange(WHOLE, 1, 0, 4)).toThrow(/^shard: .*got 0$/);
    expect(() => shardRange(WHOLE, 1, 5, 4)).toThrow(/^shard: .*got 5$/);
    expect(() => shardRange(WHOLE, 16, 1, 401)).toThrow(/^shard: .*from 1 to 400, got 401$/);
  });
});

describe("mergeTableFiles", () => {
  it.for([
    [1, undefined],
    [16, undefined],
    [1, { data: [0.5, -1, 2, 0.25, 1, 1, 0, 0, -0, 3], points: 2 }],
  ] as const)("any split gives the table of the whole (outputDraws %i, inputs %o)", async ([outputDraws, inputs]) => {
    const options = { outputDraws, inputs };
    const whole = await countFunctions(network, { ...WHOLE, workers: 0, seed: 3, ...options });
    for (const of of [1, 3, 7]) await expectSame(await mergeTableFiles((await shards(of, options)).reverse()), whole);
  });

  it("merges stretches of unequal length that are no shards, from disk if need be, and what it merged again", async () => {
    const stretches = [0, 16, 1000, 1016, 4000, 6400];
    const paths: string[] = [];
    for (const [i, firstSample] of stretches.slice(0, -1).entries()) {
      paths.push(await part(`s${i}.parquet`, { firstSample, samples: stretches[i + 1] - firstSample, outputDraws: 8 }));
    }
    const whole = await countFunctions(network, { ...WHOLE, workers: 0, seed: 3, outputDraws: 8 });
    const spilled = await mergeTableFiles(paths, { memoryLimit: 0, spill: spillToDisk(scratch) });
    expect(spilled.spilledBytes).toBeGreaterThan(0);
    await expectSame(spilled, whole);
    spilled.close();
    const half = join(directory, "half.parquet");
    await writeTable(await mergeTableFiles(paths.slice(0, 3)), half, { workers: 0 });
    await expectSame(await mergeTableFiles([half, ...paths.slice(3)]), whole);
  });

  it("reads one file back, many row groups and pages of it", async () => {
    const options = { samples: 220_000, seed: 9, outputDraws: 4 };
    const whole = await countFunctions({ layers: [7, 40, 40, 1] }, { ...options, workers: 2 });
    const path = join(directory, "large.parquet");
    await writeTable(whole, path, { workers: 1 });
    const { row_groups } = await parquetMetadataAsync(await asyncBufferFromFile(path));
    expect(row_groups.length).toBeGreaterThan(1);
    await expectSame(await readTable(path), whole);
  });

  it("names what does not belong together", async () => {
    const range = (index: number) => shardRange(WHOLE, 1, index, 2);
    const first = await part("a.parquet", range(1), { index: 1, of: 2, ...WHOLE });
    const b = async (options: Partial<CountOptions>, net?: object) =>
      mergeTableFiles([first, await part("b.parquet", { ...range(2), ...options }, undefined, net)]);
    await expect(b({}, { layers: [5, 10, 1] })).rejects.toThrow(
      /^files: "b\.parquet": another network \(\[5,10,1\] relu/,
    );
    await expect(b({}, { ...network, activation: "tanh" })).rejects.toThrow(/"b\.parquet": another network .* tanh/);
    await expect(b({}, { ...network, sigmaB2: 0.5 })).rejects.toThrow(/"b\.parquet": another prior \(2 0\.5 in place/);
    await expect(b({ seed: 4 })).rejects.toThrow(
      /"b\.parquet": another seed \(4 in place of 3\), which "a\.parquet" has/,
    );
    await expect(b({ outputDraws: 2 })).rejects.toThrow(/"b\.parquet": another outputDraws \(2 in place of 1\)/);
    const inputs = { data: Array.from({ length: 160 }, (_, i) => i), points: 32 };
    await expect(b({ inputs })).rejects.toThrow(/"b\.parquet": another inputs/);
    await expect(
      mergeTableFiles([first, await part("c.parquet", range(2), { index: 2, of: 2, samples: 7000, firstSample: 0 })]),
    ).rejects.toThrow(
      /^files: "c\.parquet": a shard of samples 0 to 6999, but "a\.parquet" is one of samples 0 to 6399$/,
    );
  });

  it("names other versions and modules, and keeps those of what it merged", async () => {
    const [a, b] = await shards(2);
    for (const [from, to, said] of [
      [/"version":"[^"]+"/, '"version":"9.9.9"', /another version of flatvol \(9\.9\.9 in place/],
      [/"wasm":"../, '"wasm":"zz', /wasm: expected 64 hex digits/],
      [/"wasm":"[0-9a-f]{8}/, '"wasm":"00000000', /another WebAssembly module \(00000000/],
    ] as const) {
      const path = join(directory, "other.parquet");
      fs.writeFileSync(path, edited(b, from, to));
      await expect(mergeTableFiles([a, path])).rejects.toThrow(said);
    }
    const old = [a, b].map((path, i) => {
      const to = join(directory, `old-${i}.parquet`);
      fs.writeFileSync(to, edited(path, /"version":"[^"]+"/, '"version":"0.0.7"'));
      return to;
    });
    const table = await mergeTableFiles(old);
    const again = join(directory, "again.parquet");
    await writeTable(table, again, { workers: 0 });
    expect(fs.readFileSync(again, "latin1")).toContain('"version":"0.0.7"');
  });

  it("names shards and samples that are missing or were counted twice", async () => {
    const paths = await shards(5);
    await expect(mergeTableFiles([paths[0], paths[2], paths[4]])).rejects.toThrow(/^files: missing: shards 2, 4 of 5$/);
    await expect(mergeTableFiles(paths.slice(0, 4))).rejects.toThrow(/^files: missing: shard 5 of 5$/);
    await expect(mergeTableFiles([...paths, paths[1]])).rejects.toThrow(
      /^files: "part-2\.parquet" and "part-2\.parquet" overlap: samples 1280 to 2559 were counted twice$/,
    );
    const between = await part("between.parquet", { firstSample: 1200, samples: 200 });
    await expect(mergeTableFiles([...paths, between])).rejects.toThrow(
      /overlap: samples 1200 to 1279 were counted twice/,
    );
    const beyond = await part("beyond.parquet", { firstSample: 6400, samples: 100 });
    await expect(mergeTableFiles([...paths, beyond])).rejects.toThrow(/samples 6400 to 6499 are not of the whole/);
    const plain = [
      await part("x.parquet", { firstSample: 100, samples: 50 }),
      await part("y.parquet", { firstSample: 200, samples: 50 }),
    ];
    await expect(mergeTableFiles(plain)).rejects.toThrow(/^files: samples 150 to 199 are missing$/);
  });

  it("refuses what is no file of a table, naming it", async () => {
    const foreign = join(directory, "foreign.parquet");
    await expect(mergeTableFiles([foreign])).rejects.toThrow(
      /^files: cannot read ".*foreign\.parquet" \(no such file\)$/,
    );
    for (const text of ["", "PAR1", "PAR1PAR1PAR1", "x".repeat(5000)]) {
      fs.writeFileSync(foreign, text);
      await expect(mergeTableFiles([foreign])).rejects.toThrow(
        /^files: "foreign\.parquet": expected a Parquet table written by flatvol, got /,
      );
    }
    await expect(mergeTableFiles([directory])).rejects.toThrow(/^files: cannot read "files" \(it is a directory\)$/);
    await expect(mergeTableFiles([])).rejects.toThrow(TypeError);
    await expect(mergeTableFiles("a" as unknown as string[])).rejects.toThrow(TypeError);
  });
});

/** A file with another text in its metadata: the length of the footer follows. */
function edited(path: string, from: RegExp, to: string): Buffer {
  const text = fs.readFileSync(path, "latin1");
  const found = from.exec(text)?.[0] ?? "";
  expect(found).not.toBe("");
  // of equal length, so that no other number of the footer changes
  if (found.length === to.length) return Buffer.from(text.replace(from, to), "latin1");
  const pad = '"sha256":';
  const shift = found.length - to.length;
  expect(shift).toBeGreaterThanOrEqual(0);
  return Buffer.from(text.replace(from, to).replace(pad, `${" ".repeat(shift)}${pad}`), "latin1");
}

describe("hostile files", () => {
  it("a changed byte anywhere, a lost or added stretch: an error with a reason, or a table that is right", async () => {
    const path = await part("sound.parquet", { samples: 400, outputDraws: 2 });
    const sound = fs.readFileSync(path);
    const digest = await (await readTable(path)).digest();
    const hurt = join(directory, "hurt.parquet");
    let refused = 0;
    const attempt = async (bytes: Uint8Array): Promise<void> => {
      fs.writeFileSync(hurt, bytes);
      try {
        // what is not read (the columns that follow from the others) may be damaged
        expect(await (await readTable(hurt)).digest()).toBe(digest);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        expect((error as Error).message).toMatch(
          /^files: "hurt\.parquet": expected a Parquet table written by flatvol, got /,
        );
        refused++;
      }
    };
    const footer = sound.length - 8 - sound.readUInt32LE(sound.length - 8);
    const place = fc.oneof(fc.nat(sound.length - 1), fc.integer({ min: footer, max: sound.length - 1 }));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 6 }), async (changes) => {
        const bytes = Buffer.from(sound);
        for (const [at, value] of changes) bytes[at] = value;
        await attempt(bytes);
      }),
      { seed: 11, numRuns: 600 * LONGER },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.nat(sound.length),
        fc.nat(sound.length),
        fc.uint8Array({ maxLength: 40 }),
        async (a, b, put) => {
          const [from, to] = [Math.min(a, b), Math.max(a, b)];
          await attempt(Buffer.concat([sound.subarray(0, from), put, sound.subarray(to)]));
        },
      ),
      { seed: 12, numRuns: 200 * LONGER },
    );
    expect(refused).toBeGreaterThan(400);
  });

  it("any bytes at all are refused with a reason", async () => {
    const hurt = join(directory, "hurt.parquet");
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.boolean(), async (bytes, framed) => {
        const tail = Buffer.alloc(8);
        tail.writeUInt32LE(bytes.length);
        tail.write("PAR1", 4);
        fs.writeFileSync(hurt, framed ? Buffer.concat([Buffer.from("PAR1"), bytes, tail]) : bytes);
        await expect(readTable(hurt)).rejects.toThrow(/^files: "hurt\.parquet": expected a Parquet table/);
      }),
      { seed: 13, numRuns: 200 * LONGER },
    );
  });
});
