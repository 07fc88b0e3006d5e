import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { recordsToParquet } from "../../src/report/recordTable.ts";
import { mergeRecordFiles } from "../../src/study/mergeRecords.ts";
import { RecordFile } from "../../src/study/recordFile.ts";
import { LONGER } from "../fuzz.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "flatvol-records-test-"));
  path = join(directory, "records.partial.jsonl");
});
afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

const identity = { study: "s", seed: "1", settings: { n: 3 } };

function write(count: number): void {
  const file = new RecordFile(path, identity);
  for (let i = 0; i < count; i++) file.add(`k ${i}`, JSON.stringify({ i, text: 'ä "]\n' }));
  file.close();
}

const keysOf = (): string[] => {
  const file = new RecordFile(path, identity);
  file.close();
  return [...file.found.keys()];
};

describe("RecordFile", () => {
  it("gives back what it was given", () => {
    write(3);
    const file = new RecordFile(path, identity);
    expect([...file.found]).toEqual([0, 1, 2].map((i) => [`k ${i}`, { i, text: 'ä "]\n' }]));
    file.add("k 3", "null");
    file.close();
    expect(keysOf()).toHaveLength(4);
    file.remove();
    expect(fs.existsSync(path)).toBe(false);
  });

  it("survives a cut at any byte: whole records stay, and the file goes on from there", () => {
    write(3);
    const whole = fs.readFileSync(path);
    const ends = [...whole.entries()].flatMap(([at, byte]) => (byte === 10 ? [at + 1] : []));
    expect(ends).toHaveLength(4);
    for (let cut = 0; cut <= whole.length; cut += 7) {
      fs.writeFileSync(path, whole.subarray(0, cut));
      const sound = Math.max(0, ends.filter((end) => end <= cut).length - 1);
      const file = new RecordFile(path, identity);
      expect(file.found.size).toBe(sound);
      file.add("more", "1");
      file.close();
      expect(keysOf()).toHaveLength(sound + 1);
    }
  });

  it("refuses records of another study, settings, data, seed, and what are no records", () => {
    write(1);
    for (const other of [{ study: "t" }, { seed: "2" }, { settings: { n: 4 } }, { data: "ab" }]) {
      expect(() => new RecordFile(path, { ...identity, ...other })).toThrow(
        /^"records\.partial\.jsonl": expected records of the same study, settings, data, seed and version/,
      );
    }
    // and leaves them alone
    expect(keysOf()).toEqual(["k 0"]);
    fs.writeFileSync(path, "something else\n");
    expect(() => new RecordFile(path, identity)).toThrow(/got something else$/);
    expect(fs.readFileSync(path, "utf8")).toBe("something else\n");
  });

  it("refuses a record that was changed", () => {
    write(3);
    const text = fs.readFileSync(path, "utf8");
    fs.writeFileSync(path, text.replace('"i":1', '"i":7'));
    expect(() => new RecordFile(path, identity)).toThrow(/expected record 2 as it was written, got a damaged one/);
    // the last one counts as cut short
    fs.writeFileSync(path, text.replace('"i":2', '"i":7'));
    expect(keysOf()).toEqual(["k 0", "k 1"]);
  });
});

it("a file of records without any is not left behind", () => {
  const file = new RecordFile(path, identity);
  expect(fs.existsSync(path)).toBe(true);
  file.close();
  expect(fs.existsSync(path)).toBe(false);
});

describe("mergeRecordFiles", () => {
  const NAME = "records.partial.jsonl";
  const file = (index: number, given: object = {}, records = 2, shard: object = {}): string => {
    const at = join(directory, `shard-${index}${Object.keys({ ...given, ...shard })}.jsonl`);
    const store = new RecordFile(at, { ...identity, ...given }, { index, of: 3, stage: 1, records: 2, ...shard });
    for (let i = 0; i < records; i++) store.add(`k ${3 * i + index}`, JSON.stringify({ i, index }));
    store.close();
    return at;
  };

  it("puts the records of all shards where the study goes on, beside those of an earlier stage", () => {
    write(1);
    const files = [3, 1, 2].map((index) => file(index));
    expect(mergeRecordFiles(files, directory, NAME)).toEqual({ study: "s", seed: "1", records: 7, path });
    expect(keysOf().sort()).toEqual(["k 0", "k 1", "k 2", "k 3", "k 4", "k 5", "k 6"]);
    // again: the same
    const before = fs.readFileSync(path, "utf8");
    mergeRecordFiles(files.slice().sort(), directory, NAME);
    expect(fs.readFileSync(path, "utf8").split("\n").sort()).toEqual(before.split("\n").sort());
  });

  it("names what is missing, unfinished, twice there or foreign, and writes nothing then", () => {
    const [a, b, c] = [1, 2, 3].map((index) => file(index));
    const other = (given: object, shard: object = {}) => [a, b, file(3, given, 2, shard)];
    const damaged = join(directory, "damaged.jsonl");
    fs.writeFileSync(damaged, fs.readFileSync(a, "utf8").replace('"i":0', '"i":5'));
    const twice = join(directory, "twice.jsonl");
    const store = new RecordFile(twice, identity, { index: 3, of: 3, stage: 1, records: 1 });
    store.add("k 1", "{}");
    store.close();
    fs.writeFileSync(join(directory, "none.jsonl"), "{}\n");
    write(1);
    const before = fs.readFileSync(path, "utf8");
    for (const [files, said] of [
      [[a, c], /^files: missing: shard 2 of 3$/],
      [[a], /^files: missing: shards 2, 3 of 3$/],
      [[a, b, c, b], /^files: "shard-2\.jsonl" and "shard-2\.jsonl" are the same shard, 2 of 3$/],
      [[a, b, twice], /^files: "twice\.jsonl": record "k 1" is in another file, too$/],
      [[file(1, {}, 1, { stage: 1, more: 1 }), b, c], /shard 1 is not finished: 1 of 2 records$/],
      [other({ seed: "2" }), /^files: "shard-3seed\.jsonl": another seed than "shard-1\.jsonl" has$/],
      [other({ settings: { n: 4 } }), /another settings than/],
      [other({ study: "t" }), /another study than/],
      [other({}, { of: 4 }), /another number of shards than/],
      [other({}, { stage: 2 }), /another stage than/],
      [[damaged, b, c], /^files: "damaged\.jsonl": expected record 1 as it was written/],
      [[path, b, c], /"records\.partial\.jsonl": expected records of a shard of a study, got something else/],
      [[join(directory, "none.jsonl"), b, c], /got something else$/],
      [[join(directory, "no.jsonl")], /^files: cannot read .*no such file/],
    ] as const) {
      expect(() => mergeRecordFiles([...files], directory, NAME)).toThrow(said);
      expect(() => mergeRecordFiles([...files], directory, NAME)).toThrow(RangeError);
    }
    expect(fs.readFileSync(path, "utf8")).toBe(before);
    fs.rmSync(path);
    const elsewhere = new RecordFile(path, { ...identity, seed: "9" });
    elsewhere.add("one", "1");
    elsewhere.close();
    expect(() => mergeRecordFiles([a, b, c], directory, NAME)).toThrow(/^out: .*another study, settings, seed/);
  });

  it("any change of the bytes is refused with a reason, or read as it was", () => {
    const files = [1, 2, 3].map((index) => file(index));
    const sound = fs.readFileSync(files[1]);
    fc.assert(
      fc.property(fc.nat(sound.length - 1), fc.nat(sound.length - 1), fc.uint8Array({ maxLength: 30 }), (a, b, put) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        fs.writeFileSync(files[1], Buffer.concat([sound.subarray(0, from), put, sound.subarray(to)]));
        fs.rmSync(path, { force: true });
        try {
          mergeRecordFiles(files, directory, NAME);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          expect((error as Error).message).toMatch(/^files: /);
          return;
        }
        expect(keysOf().sort()).toEqual(["k 1", "k 2", "k 3", "k 4", "k 5", "k 6"]);
      }),
      { seed: 3, numRuns: 500 * LONGER },
    );
  });
});

describe("recordsToParquet", () => {
  it("flattens records; another reader finds them again", async () => {
    const records = [
      { key: "a", ok: true, measures: { trace: { value: 1.5 } }, list: [1, 2], nothing: null },
      { key: "b", ok: false, measures: {}, list: [], nothing: null },
    ];
    const file = join(directory, "r.parquet");
    fs.writeFileSync(file, recordsToParquet(records, { study: "s" }));
    const buffer = await asyncBufferFromFile(file);
    expect(await parquetReadObjects({ file: buffer })).toEqual([
      { key: "a", ok: true, "measures.trace.value": 1.5, list: "[1,2]" },
      { key: "b", ok: false, "measures.trace.value": null, list: "[]" },
    ]);
    const { key_value_metadata: metadata } = await parquetMetadataAsync(buffer);
    expect(metadata?.find(({ key }) => key === "flatvol")?.value).toBe('{"study":"s"}');
  });

  it("refuses a column of two kinds", () => {
    expect(() => recordsToParquet([{ a: 1 }, { a: "x" }], {})).toThrow(/one kind of values in a, got number, string/);
  });
});
