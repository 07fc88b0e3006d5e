import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { complexity, countFunctions, type FunctionTable } from "../../src/index.ts";
import { checkWritable, writeTable } from "../../src/node.ts";

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "flatvol-table-test-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  fs.rmSync(directory, { recursive: true, force: true });
});

interface Row {
  function: string;
  count: bigint | number;
  probability: number;
  ci95_low: number;
  ci95_high: number;
  orbit_size: number;
  complexity: number;
}

async function readParquet(path: string): Promise<Row[]> {
  return (await parquetReadObjects({ file: await asyncBufferFromFile(path) })) as unknown as Row[];
}

function readCsv(path: string): Row[] {
  const [head, ...lines] = fs.readFileSync(path, "utf8").trimEnd().split("\n");
  const names = head.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    return Object.fromEntries(
      names.map((name, i) => [name, name === "function" ? cells[i] : Number(cells[i])]),
    ) as unknown as Row;
  });
}

/** Compares every row with what the table itself says. */
async function expectRows(table: FunctionTable, rows: Row[], orbits = 20): Promise<void> {
  const expected = [...table.rows()];
  expect(rows.map((row) => ({ function: row.function, count: Number(row.count) }))).toEqual(expected);
  for (const [i, row] of rows.entries()) {
    const { probability, ci95 } = table.probability(row.function);
    expect(row.probability).toBe(probability);
    expect([row.ci95_low, row.ci95_high]).toEqual([...ci95]);
    if (i % Math.ceil(rows.length / orbits) === 0) {
      expect(row.orbit_size).toBe(table.orbit(row.function).orbitSize);
    }
  }
}

const network = { layers: [6, 12, 1] };

describe("writeTable", () => {
  it.for([1, 8])("Parquet and CSV hold every row as the table has it (outputDraws %i)", async (outputDraws) => {
    const table = await countFunctions(network, { samples: 8000, workers: 0, outputDraws });
    const parquet = join(directory, "t.parquet");
    const csv = join(directory, "T.CSV");
    await writeTable(table, parquet, { workers: 0 });
    await writeTable(table, csv, { workers: 2 });
    const rows = await readParquet(parquet);
    await expectRows(table, rows);
    const measured = await complexity(rows.map((row) => row.function));
    expect(rows.map((row) => row.complexity)).toEqual(measured.map((m) => m.lempelZiv));
    const plain = (cell: unknown): unknown => (typeof cell === "bigint" ? Number(cell) : cell);
    const cells = rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, plain(cell)])));
    expect(readCsv(csv)).toEqual(cells);
    // the cluster sums are there for those who merge, where there are any
    expect("cluster_squares" in cells[0]).toBe(outputDraws > 1);
    expect(fs.readdirSync(directory).sort()).toEqual(["T.CSV", "t.parquet"]);
  });

  it("writes by row groups, the same bytes for any number of workers", async () => {
    const table = await countFunctions({ layers: [7, 40, 40, 1] }, { samples: 200_000, workers: 2 });
    const paths = [0, 2].map((workers) => ({ workers, path: join(directory, `${workers}.parquet`) }));
    for (const { workers, path } of paths) await writeTable(table, path, { workers });
    const [a, b] = paths.map(({ path }) => fs.readFileSync(path));
    expect(a.equals(b)).toBe(true);
    const metadata = await parquetMetadataAsync(await asyncBufferFromFile(paths[0].path));
    expect(Number(metadata.num_rows)).toBe(table.distinct);
    expect(metadata.row_groups.length).toBeGreaterThan(1);
    const settings = metadata.key_value_metadata?.find((pair) => pair.key === "flatvol")?.value;
    expect(JSON.parse(settings ?? "")).toMatchObject({ layers: [7, 40, 40, 1], samples: 200_000 });
  });

  it("gives orbits of given points by negation alone", async () => {
    const inputs = { data: [0.5, -1, 2, 0.25, 1, 1], points: 3 };
    const table = await countFunctions({ layers: [2, 5, 1] }, { samples: 1000, workers: 0, inputs });
    const path = join(directory, "points.csv");
    await writeTable(table, path, { workers: 0 });
    const rows = readCsv(path);
    await expectRows(table, rows);
    expect(new Set(rows.map((row) => row.orbit_size))).toEqual(new Set([2]));
  });

  it("refuses other names and unwritable places, naming the argument", async () => {
    const table = await countFunctions(network, { samples: 10, workers: 0 });
    for (const path of ["t.txt", "t", join(directory, "t.json")]) {
      await expect(writeTable(table, path)).rejects.toThrow(
        /^path: expected a name ending in \.parquet or \.csv, got "/,
      );
    }
    await expect(writeTable(table, join(directory, "none", "t.csv"))).rejects.toThrow(/^path: cannot write .*no such/);
    fs.mkdirSync(join(directory, "d.csv"));
    expect(() => checkWritable(join(directory, "d.csv"))).toThrow(/^path: expected a file, got the directory/);
    expect(() => checkWritable(3 as unknown as string)).toThrow(TypeError);
    fs.writeFileSync(join(directory, "file"), "");
    expect(() => checkWritable(join(directory, "file", "t.csv"))).toThrow(RangeError);
    expect(fs.readdirSync(directory).sort()).toEqual(["d.csv", "file"]);
  });

  it("leaves the older file and no other when the disk is full", async () => {
    const table = await countFunctions(network, { samples: 20_000, workers: 0 });
    for (const name of ["t.csv", "t.parquet"]) {
      const path = join(directory, name);
      fs.writeFileSync(path, "older");
      vi.spyOn(fs, "writeSync").mockImplementation(() => {
        throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC", syscall: "write" });
      });
      await expect(writeTable(table, path, { workers: 0 })).rejects.toThrow(/cannot write .*no space left on the disk/);
      vi.restoreAllMocks();
      expect(fs.readFileSync(path, "utf8")).toBe("older");
    }
    expect(fs.readdirSync(directory).sort()).toEqual(["t.csv", "t.parquet"]);
  });

  it("stops on an abort and leaves no file", async () => {
    const table = await countFunctions({ layers: [7, 40, 1] }, { samples: 60_000, workers: 1 });
    const stop = new AbortController();
    const writing = writeTable(table, join(directory, "t.parquet"), {
      workers: 1,
      signal: stop.signal,
      onProgress: () => stop.abort(new Error("enough")),
    });
    await expect(writing).rejects.toThrow("enough");
    expect(fs.readdirSync(directory)).toEqual([]);
  });
});
