/**
 * Throughput of the queue: two worker processes against one, a thread each, on a Redis server of its own.
 * `node bench/queue.mjs [samples] [pairs]`, after `npm run build`; needs redis-server and a machine with two free cores.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const samples = Number(process.argv[2] ?? 4_000_000);
const pairs = Number(process.argv[3] ?? 5);
const RANGES = 32;
const port = 16_379;
const directory = mkdtempSync(join(tmpdir(), "flatvol-bench-queue-"));
const redis = spawn("redis-server", ["--port", port, "--bind", "127.0.0.1", "--dir", directory, "--save", ""], {
  stdio: "ignore",
});
const env = { ...process.env, FLATVOL_REDIS: `redis://127.0.0.1:${port}` };
const call = (...args) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["dist/cli.js", ...args, "--json"], {
    env,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
};
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

/** Seconds from the first range's end to the last one's, without the start of the processes. */
async function work(workers, seed) {
  const count = ["--layers", "7,40,40,1", "--samples", samples, "--output-draws", "16", "--seed", seed];
  const { job } = call("queue", "submit", ...count.map(String), "--ranges", String(RANGES));
  const ends = [];
  const children = Array.from({ length: workers }, () =>
    spawn(process.execPath, ["dist/cli.js", "worker", "--until-empty", "--workers", "0"], { env }),
  );
  await Promise.all(
    children.map((child) => {
      child.stderr.on("data", (text) => {
        for (const _line of String(text).matchAll(/range \d+/g)) ends.push(performance.now());
      });
      return new Promise((resolve) => child.on("close", resolve));
    }),
  );
  call("queue", "collect", job, "--top", "0", "--workers", "0");
  const first = workers;
  return (ends[RANGES - 1] - ends[first - 1]) / 1000 / (RANGES - first);
}

try {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const ratios = [];
  const rates = [];
  for (let pair = 0; pair < pairs; pair++) {
    const one = await work(1, 2 * pair);
    const two = await work(2, 2 * pair + 1);
    ratios.push(one / two);
    rates.push(samples / RANGES / one);
  }
  const text = ratios.map((ratio) => ratio.toFixed(2)).join(", ");
  console.log(
    `one worker: ${Math.round(median(rates))} samples/s; two against one: ${median(ratios).toFixed(2)} (${text})`,
  );
} finally {
  redis.kill();
  rmSync(directory, { recursive: true, force: true });
}
