/** The study of cars and cats, from a file in CIFAR-10's own format. */
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { imagesDigest, loadCifar, loadPictures } from "../../src/data/imageFiles.ts";
import { createPool } from "../../src/engine/pool.ts";
import { imageReport } from "../../src/report/images.ts";
import { cifarStudy, IMAGE_QUICK, type ImageSettings, optimizersStudy } from "../../src/study/images.ts";
import { runTasks } from "../../src/study/run.ts";
import { studyRecords } from "../../src/study/study.ts";

const CAR = 1;
const CAT = 3;
/** A label, then 32 x 32 pixels of each colour. */
const RECORD = 3073;
const PICTURES = 160;

let directory: string;
beforeAll(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "flatvol-cifar-test-"));
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const bytes = new Uint8Array(PICTURES * RECORD);
  for (let i = 0; i < PICTURES; i++) {
    // of ten pictures two are neither car nor cat
    const label = i % 10 === 0 ? 0 : i % 10 === 5 ? 9 : next() < 0.5 ? CAR : CAT;
    bytes[i * RECORD] = label;
    for (let j = 1; j < RECORD; j++) bytes[i * RECORD + j] = Math.floor(next() * (label === CAR ? 255 : 200));
  }
  fs.writeFileSync(join(directory, "data_batch_1.bin"), bytes);
});
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

const SMALL: ImageSettings = {
  ...IMAGE_QUICK,
  hidden: [12, 8],
  train: 30,
  test: 40,
  attacks: [0, 20],
  auditAttacks: [0],
  exactAttacks: [0],
  repeats: 1,
  trainings: [
    { optimizer: "sgd", learningRate: 0.02, batch: 8, maxEpochs: 2000 },
    { optimizer: "sgd", learningRate: 0.01, batch: 8, maxEpochs: 2000 },
  ],
  measures: ["trace"],
};

it("takes cars and cats, and only them, and has a report", async () => {
  const images = await loadCifar(directory);
  expect([images.count, images.features]).toEqual([PICTURES, 3072]);
  const pool = createPool({ workers: 0 });
  const records = await runTasks(await cifarStudy.tasks(SMALL, 1n, images), { pool });
  pool.close();
  const [data, ...networks] = records;
  expect(data).toMatchObject({ kind: "data", task: "car, cat", train: 30 });
  expect(networks).toHaveLength(3);
  for (const network of networks) {
    if (network.kind !== "network" || data.kind !== "data") throw new Error("expected networks after the data");
    expect(network.converged).toBe(true);
    for (const method of ["ep", "ep-probit"]) {
      expect(network.volumes[method].log10P!).toBeLessThan(data.volumeOfS[method].log10P!);
    }
  }
  const analysis = await cifarStudy.analyse(records, SMALL);
  const html = imageReport(studyRecords({ study: "cifar", seed: "1", settings: SMALL }, records, analysis, {}));
  expect(html).toContain("What tells how well a network knows cars from cats?");
  // 128 cars and cats are fewer than the whole study takes
  await expect(cifarStudy.tasks(cifarStudy.full, 1n, images)).rejects.toThrow(
    'data: expected at least 2000 pictures of "car, cat", got 128',
  );
});

it("the study of optimisers takes them as well, and another file is other data", async () => {
  const images = await loadPictures(directory);
  expect(images).toEqual(await loadCifar(directory));
  const pool = createPool({ workers: 0 });
  const [first] = await optimizersStudy.tasks({ ...SMALL, volumes: ["ep"] }, 1n, images);
  const [data] = await runTasks([first], { pool });
  pool.close();
  expect(data).toMatchObject({ kind: "data", task: "car, cat" });
  const other = { ...images, labels: images.labels.map((label, i) => (i === 7 ? label ^ 2 : label)) };
  expect(imagesDigest(images)).toMatch(/^[0-9a-f]{64}$/);
  expect(imagesDigest(other)).not.toBe(imagesDigest(images));
});
