/** What anyone may have written to Redis, or typed as its address: refused with a reason, or read as it was written. */
import { deflateRawSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { booleanPoints, givenPoints } from "../../src/data/points.ts";
import { countFunctions, defineNetwork } from "../../src/index.ts";
import { type CountJob, inputsOf, jobId, jobText, makeJob, parseJob, rangeOf } from "../../src/queue/countJob.ts";
import { decodeRange, encodeRange } from "../../src/queue/rangeResult.ts";
import { parseRedisUrl } from "../../src/queue/redis.ts";
import { LONGER } from "../fuzz.ts";

const network = defineNetwork({ layers: [5, 6, 1] });
const common = { network, seed: 3n, firstSample: 40, samples: 400, ranges: 4 };
const job = (outputDraws = 1): Promise<CountJob> => makeJob({ ...common, points: booleanPoints(5), outputDraws });
const table = (of: CountJob, range: number) =>
  countFunctions(network, {
    ...rangeOf(of, range),
    seed: 3,
    outputDraws: of.identity.outputDraws,
    inputs: inputsOf(of),
    workers: 0,
  });

/** Bytes with a stretch put in place of another. */
const spliced = (sound: Uint8Array) =>
  fc
    .tuple(fc.nat(sound.length), fc.oneof(fc.nat(4), fc.nat(sound.length)), fc.uint8Array({ maxLength: 12 }))
    .map(([from, length, put]) => Buffer.concat([sound.subarray(0, from), put, sound.subarray(from + length)]));

describe("a result", () => {
  it.for([1, 4])("is read as it was written (outputDraws %i)", async (draws) => {
    const of = await job(draws);
    const id = jobId(of);
    const made = await table(of, 2);
    const { bytes } = await encodeRange(of, id, 2, made);
    expect(await decodeRange(of, id, 2, bytes)).toEqual([...made.segments()][0]);
    await expect(decodeRange(of, id, 3, bytes)).rejects.toThrow(/^range: .*it is of another job or range\)$/);
    await expect(decodeRange(of, id.replace(/./, "z"), 2, bytes)).rejects.toThrow(/another job or range/);
    for (const [change, said] of [
      [{ version: "9.9.9" }, /it is of version "0\.\S+" of flatvol/],
      [{ wasm: "0".repeat(64) }, /another WebAssembly module/],
    ] as const) {
      const other = { ...of, identity: { ...of.identity, ...change } };
      await expect(decodeRange(other, id, 2, bytes)).rejects.toThrow(said);
    }
  });

  it("that is damaged or made up is refused with the reason", async () => {
    const of = await job();
    const id = jobId(of);
    const made = await table(of, 1);
    const { bytes } = await encodeRange(of, id, 1, made);
    const rows = await decodeRange(of, id, 1, bytes);
    const refused = async (payload: Buffer): Promise<boolean> => {
      try {
        expect(await decodeRange(of, id, 1, payload)).toEqual(rows);
        return false;
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        expect((error as Error).message).toMatch(/^range: the result of range 1 of job \w{16} is none \(.+\)$/s);
        return true;
      }
    };
    let refusals = 0;
    await fc.assert(
      fc.asyncProperty(spliced(bytes), async (payload) => {
        if (await refused(payload)) refusals++;
      }),
      { seed: 1, numRuns: 1000 * LONGER },
    );
    expect(refusals).toBeGreaterThan(900 * LONGER);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async (payload) => {
        expect(await refused(Buffer.from(payload))).toBe(true);
      }),
      { seed: 2, numRuns: 300 * LONGER },
    );
  });

  it("that would expand without end is not expanded", async () => {
    const of = await makeJob({ ...common, points: booleanPoints(5), outputDraws: 1, samples: 2 ** 40, ranges: 1 });
    const id = jobId(of);
    const bomb = deflateRawSync(Buffer.alloc(50_000_000));
    const { version, wasm } = of.identity;
    const head = { format: "flatvol range 1", job: id, range: 1, version, wasm, sha256: "0".repeat(64) };
    for (const rows of [1, 1000, 4_000_000, 2 ** 40]) {
      const before = process.memoryUsage().rss;
      const payload = Buffer.concat([Buffer.from(`${JSON.stringify({ ...head, rows })}\n`), bomb]);
      await expect(decodeRange(of, id, 1, payload)).rejects.toThrow(/^range: /);
      expect(process.memoryUsage().rss - before).toBeLessThan(300e6);
    }
  });
});

describe("a job", () => {
  it("is read as it was written, given points too; its id is its digest", async () => {
    const data = Float32Array.from({ length: 15 }, (_, i) => i / 3);
    const points = givenPoints({ data, points: 3 }, 5);
    const of = await makeJob({ ...common, points, outputDraws: 2 });
    expect(parseJob(jobId(of), jobText(of))).toEqual(of);
    expect(inputsOf(of)).toEqual({ data: [...data], points: 3 });
    expect(jobId(await makeJob({ ...common, points, outputDraws: 2, seed: 4n }))).not.toBe(jobId(of));
    await expect(makeJob({ ...common, points, outputDraws: 3 })).rejects.toThrow(/^samples: expected a multiple/);
    await expect(makeJob({ ...common, points, outputDraws: 1, ranges: 401 })).rejects.toThrow(/^ranges: .*got 401$/);
  });

  it("that is anything else is refused with the reason", async () => {
    const of = await job();
    const id = jobId(of);
    const sound = new TextEncoder().encode(jobText(of));
    const refused = (text: string): void => {
      try {
        expect(parseJob(id, text)).toEqual(of);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        expect((error as Error).message).toMatch(/^job: "\w{16}" is none \(.+\)$/s);
      }
    };
    fc.assert(
      fc.property(spliced(sound), (bytes) => refused(bytes.toString("utf8"))),
      { seed: 3, numRuns: 1000 * LONGER },
    );
    fc.assert(
      fc.property(fc.json({ maxDepth: 3 }), (text) => refused(text)),
      { seed: 4, numRuns: 500 * LONGER },
    );
    // each value in turn something else
    const parsed = JSON.parse(jobText(of)) as Record<string, unknown>;
    const parts: Array<[Record<string, unknown>, (value: Record<string, unknown>) => unknown]> = [
      [parsed, (value) => value],
      [parsed.identity as Record<string, unknown>, (identity) => ({ ...parsed, identity })],
    ];
    for (const [part, whole] of parts) {
      fc.assert(
        fc.property(fc.constantFrom(...Object.keys(part)), fc.jsonValue({ maxDepth: 2 }), (key, value) => {
          refused(JSON.stringify(whole({ ...part, [key]: value })));
        }),
        { seed: 5, numRuns: 1000 * LONGER },
      );
    }
  });
});

describe("an address", () => {
  it("of any text is one of a server, or refused without showing it", () => {
    const parts = fc.constantFrom(
      "redis",
      "rediss",
      "http",
      "://",
      ":",
      "@",
      "/",
      "secret",
      "host",
      "6379",
      "%",
      "\n",
      "",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(parts, { maxLength: 8 }).map((list) => list.join("")),
        ),
        (text) => {
          try {
            const { shown } = parseRedisUrl(text);
            expect(shown).toMatch(/^rediss?:\/\/[^@\s]+:\d+$/);
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
            expect((error as Error).message).not.toContain("secret");
          }
        },
      ),
      { seed: 6, numRuns: 3000 * LONGER },
    );
    expect(parseRedisUrl("rediss://me:secret@[::1]:7/3")).toMatchObject({ shown: "rediss://[::1]:7" });
  });
});
