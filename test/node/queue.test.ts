/** Counts that processes share through a real Redis server. `node scripts/build.mjs` has run before. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync, inflateSync } from "node:zlib";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { countFunctions } from "../../src/index.ts";
import { type RedisServer, redisMissing, redisServer } from "./redisServer.ts";

const PASSWORD = "open-sesame-7361";
/** Milliseconds after which a silent worker has lost its range. */
const LOCK = "1.5s";

let scratch: string;
let server: RedisServer;
let client: Redis;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  if (redisMissing) return;
  scratch = fs.mkdtempSync(join(tmpdir(), "flatvol-queue-test-"));
  server = await redisServer(scratch, () => ["--requirepass", PASSWORD]);
  await server.start();
  client = new Redis(server.port, { password: PASSWORD });
  client.on("error", () => {});
});
beforeEach(async () => {
  await client.flushall();
});
afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  running.clear();
});
afterAll(async () => {
  if (redisMissing) return;
  client.disconnect();
  await server.stop();
  fs.rmSync(scratch, { recursive: true, force: true });
});

const url = (): string => `redis://:${PASSWORD}@127.0.0.1:${server.port}`;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Starts the command; all that it says is looked through for the password. */
function start(args: string[], cli = "dist/cli.js", env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [cli, ...args], { env: { ...process.env, FLATVOL_REDIS: url(), ...env } });
  running.add(child);
  const said = { out: "", err: "" };
  child.stdout.on("data", (text) => {
    said.out += text;
  });
  child.stderr.on("data", (text) => {
    said.err += text;
  });
  const ended = new Promise<Ended>((resolve) =>
    child.on("close", (code) => {
      running.delete(child);
      resolve({ code, ...said });
    }),
  ).then((end) => {
    expect(end.out + end.err).not.toContain(PASSWORD);
    return end;
  });
  return { child, ended, said };
}

async function json(args: string[]) {
  const { code, out, err } = await start([...args, "--json"]).ended;
  expect([code, err]).toEqual([0, ""]);
  return JSON.parse(out);
}

const network = { layers: [7, 40, 40, 1] };
const COUNT = ["--layers", "7,40,40,1", "--seed", "6"];
const worker = (...more: string[]) => start(["worker", "--until-empty", "--workers", "1", "--lock", LOCK, ...more]);

async function submit(samples: number, ranges: number, more: string[] = []): Promise<string> {
  const args = ["--samples", String(samples), "--ranges", String(ranges), ...more];
  const { job } = await json(["queue", "submit", ...COUNT, ...args]);
  return job;
}
const status = async (job: string) => (await json(["queue", "status", job])).jobs[0];
const collect = (job: string) => json(["queue", "collect", job, "--wait", "--top", "2", "--workers", "0"]);

async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error("it did not come to pass");
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

const keysOf = (pattern: string): Promise<string[]> => client.keys(pattern);
/** Ranges that some worker holds. */
async function active(): Promise<number> {
  const [queue] = await keysOf("flatvol:queue:*:active");
  return queue ? client.llen(queue) : 0;
}
const done = (job: string): Promise<number> => client.hlen(`flatvol:${job}:digests`);

const digests = new Map<number, Promise<string>>();
/** The digest of the count on one machine. */
function digestOf(samples: number): Promise<string> {
  const known =
    digests.get(samples) ??
    countFunctions(network, { samples, seed: 6, workers: 2 }).then(async (table) => table.digest());
  digests.set(samples, known);
  return known;
}

describe.skipIf(redisMissing)("the queue", { timeout: 240_000 }, () => {
  it("gives the table of one machine, cluster sums and all, and forgets the results once they are collected", async () => {
    const job = await submit(24_000, 5, ["--output-draws", "8"]);
    // again: the same job, and no range twice
    expect(await submit(24_000, 5, ["--output-draws", "8"])).toBe(job);
    expect(await status(job)).toMatchObject({ state: "open", ranges: 5, done: 0, waiting: 5, active: 0 });
    const early = await start(["queue", "collect", job]).ended;
    expect([early.code, early.out]).toEqual([1, ""]);
    expect(early.err).toContain(`job ${job} is not finished: 5 of 5 ranges have no result yet`);
    expect(await worker().ended).toMatchObject({ code: 0, out: "5 ranges done\n" });
    const out = join(scratch, "t.parquet");
    const merged = await json(["queue", "collect", job, "--out", out, "--top", "5"]);
    const whole = await countFunctions(network, { samples: 24_000, seed: 6, outputDraws: 8, workers: 2 });
    expect(merged.digest).toBe(await whole.digest());
    expect(merged.designEffect).toEqual(whole.designEffect());
    expect((await json(["merge", out])).digest).toBe(merged.digest);
    expect(await keysOf(`flatvol:${job}:*`)).toEqual([`flatvol:${job}:job`]);
    // a second time there is nothing to collect, and what there was is named
    for (const args of [
      ["queue", "collect", job],
      ["queue", "submit", ...COUNT, "--samples", "24000", "--ranges", "5", "--output-draws", "8"],
    ]) {
      const again = await start(args).ended;
      expect([again.code, again.out]).toEqual([1, ""]);
      expect(again.err).toMatch(new RegExp(`job ${job} was collected at .*${merged.digest}`));
    }
    expect(await status(job)).toMatchObject({ state: "collected", digest: merged.digest });
  });

  it("collects given points, and two collects at once give one table or say that it is gone", async () => {
    const x = join(scratch, "x.npy");
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 7), }";
    const head = Buffer.from(`\x93NUMPY\x01\x00v\x00${header.padEnd(117)}\n`, "latin1");
    const values = Float32Array.from({ length: 21 }, (_, i) => Math.fround(i / 7 - 1));
    fs.writeFileSync(x, Buffer.concat([head, Buffer.from(values.buffer)]));
    const job = await submit(5000, 3, ["--x", x]);
    expect(await worker().ended).toMatchObject({ code: 0 });
    const both = await Promise.all([1, 2].map(() => start(["queue", "collect", job, "--json"]).ended));
    const whole = await countFunctions(network, { samples: 5000, seed: 6, inputs: { data: values, points: 3 } });
    const good = both.filter(({ code }) => code === 0);
    expect(good.length).toBeGreaterThanOrEqual(1);
    for (const { out } of good) expect(JSON.parse(out).digest).toBe(await whole.digest());
    for (const { code, err } of both) if (code !== 0) expect(err).toMatch(/was collected at/);
  });

  it("shares a job among ten workers, each range once", async () => {
    const job = await submit(60_000, 30);
    const workers = Array.from({ length: 10 }, () => worker());
    const ends = await Promise.all(workers.map(({ ended }) => ended));
    expect(ends.map(({ code }) => code)).toEqual(Array(10).fill(0));
    const ranges = ends.map(({ out }) => Number(/^(\d+) ranges? done/.exec(out)?.[1]));
    expect(ranges.reduce((a, b) => a + b)).toBeGreaterThanOrEqual(30);
    expect((await collect(job)).digest).toBe(await digestOf(60_000));
  });

  it("gives the range of a worker that was killed to another", async () => {
    const job = await submit(120_000, 4);
    const first = worker();
    await until(async () => (await active()) > 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    first.child.kill("SIGKILL");
    await first.ended;
    const left = await done(job);
    expect(left).toBeLessThan(4);
    const second = await worker().ended;
    expect(second.code).toBe(0);
    expect(await done(job)).toBe(4);
    expect((await collect(job)).digest).toBe(await digestOf(120_000));
  });

  it("lets a worker go that is told to, and its range is taken at once", async () => {
    const job = await submit(120_000, 4);
    const first = start(["worker", "--workers", "1"]);
    await until(async () => (await active()) > 0);
    first.child.kill("SIGTERM");
    expect(await first.ended).toMatchObject({ code: 0 });
    expect(await active()).toBe(0);
    expect(await worker().ended).toMatchObject({ code: 0 });
    expect((await collect(job)).digest).toBe(await digestOf(120_000));
  });

  it("survives a stop of Redis, orderly or not, and goes on after its restart", async () => {
    const job = await submit(120_000, 8);
    const patient = worker();
    for (const [ranges, signal] of [
      [1, "SIGTERM"],
      [3, "SIGKILL"],
    ] as const) {
      await until(async () => (await done(job)) >= ranges);
      expect(await done(job)).toBeLessThan(8);
      await server.stop(signal);
      await new Promise((resolve) => setTimeout(resolve, 700));
      await server.start();
      await until(async () => (await client.ping().catch(() => "")) === "PONG");
    }
    expect(await patient.ended).toMatchObject({ code: 0 });
    expect((await collect(job)).digest).toBe(await digestOf(120_000));
  });

  it("counts a range once though a worker that stood still comes back with it, before the collect and after", async () => {
    for (const late of [false, true]) {
      await client.flushall();
      const job = await submit(120_000, 4);
      const sleeper = start(["worker", "--workers", "1", "--lock", LOCK]);
      await until(async () => (await active()) > 0);
      await new Promise((resolve) => setTimeout(resolve, 200));
      sleeper.child.kill("SIGSTOP");
      const before = await done(job);
      expect(before).toBeLessThan(4);
      expect(await worker().ended).toMatchObject({ code: 0 });
      expect(await done(job)).toBe(4);
      const table = late ? await collect(job) : undefined;
      sleeper.child.kill("SIGCONT");
      // it hands in what it had in hand
      await until(() => (late ? /was collected meanwhile/ : /range \d/).test(sleeper.said.err));
      const { digest } = table ?? (await collect(job));
      expect(digest).toBe(await digestOf(120_000));
      expect(await keysOf(`flatvol:${job}:*`)).toEqual([`flatvol:${job}:job`]);
      sleeper.child.kill("SIGTERM");
      expect((await sleeper.ended).code).toBe(0);
    }
  });

  it("refuses workers of another version or module, which take nothing", async () => {
    const job = await submit(3000, 2);
    for (const [name, said] of [
      ["version", /job \w+ is for flatvol \S+, this worker is 9\.9\.9: refused/],
      ["module", /job \w+ is for the WebAssembly module \w+, this worker has \w+: refused/],
    ] as const) {
      const other = otherBuild(name);
      const { code, out, err } = await start(["worker", "--until-empty"], join(other, "cli.js")).ended;
      expect([code, out]).toEqual([1, ""]);
      expect(err).toMatch(said);
      expect(await status(job)).toMatchObject({ done: 0, waiting: 2 });
    }
    expect(await worker().ended).toMatchObject({ code: 0 });
    expect((await collect(job)).digest).toBe(await digestOf(3000));
  });

  it("names what is hostile in Redis, and goes on with the rest", async () => {
    const job = await submit(6000, 3);
    const [name] = await keysOf("flatvol:queue:*:meta");
    const queue = name.split(":")[2];
    const { Queue } = await import("bullmq");
    const entries = new Queue(queue, { connection: client, prefix: "flatvol:queue" });
    const wrong = [{}, { job, range: 99 }, { job: "../../etc", range: 1 }, { job, range: "1" }, { job: 7, range: 1 }];
    for (const data of wrong) await entries.add("range", data, { removeOnFail: true });
    await entries.close();
    const { code, err } = await worker().ended;
    expect(code).toBe(0);
    expect(err).toMatch(/range: expected an integer from 1 to 3, got 99/);
    expect(err).toMatch(/job: expected 16 hex digits, got "\.\.\/\.\.\/etc"/);
    expect(await done(job)).toBe(3);
    const results = `flatvol:${job}:results`;
    const sound = (await client.hgetBuffer(results, "2"))!;
    for (const bytes of [Buffer.alloc(0), sound.subarray(0, 900), Buffer.from(sound).fill(7, 600, 601), "{}\n"]) {
      await client.hset(results, "2", bytes);
      const end = await start(["queue", "collect", job]).ended;
      expect([end.code, end.out]).toEqual([1, ""]);
      expect(end.err).toMatch(/the result of range 2 of job \w+ is none \(/);
    }
    await client.hset(results, "2", sound);
    const text = (await client.hget(`flatvol:${job}:job`, "text"))!;
    for (const hurt of ["", "{}", "null", text.slice(1), text.replace("6000", "6001"), text.replace("relu", "rely")]) {
      await client.hset(`flatvol:${job}:job`, "text", hurt);
      const end = await start(["queue", "collect", job]).ended;
      expect([end.code, end.out]).toEqual([2, ""]);
      expect(end.err).toMatch(/^flatvol queue collect: JOB: [^\n]* is none \([^\n]*\n$/);
    }
    await client.hset(`flatvol:${job}:job`, "text", text);
    expect((await collect(job)).digest).toBe(await digestOf(6000));
  });
});

/** A copy of the command whose version, or whose module, is another. */
function otherBuild(what: "version" | "module"): string {
  const copy = join(scratch, what);
  fs.cpSync("dist", copy, { recursive: true });
  fs.writeFileSync(join(scratch, "package.json"), '{"type":"module"}');
  const modules = join(scratch, "node_modules");
  if (!fs.existsSync(modules)) fs.symlinkSync(join(process.cwd(), "node_modules"), modules);
  let changed = 0;
  for (const file of fs.readdirSync(copy).filter((name) => name.endsWith(".js"))) {
    const path = join(copy, file);
    const text = fs.readFileSync(path, "utf8");
    const { version } = JSON.parse(fs.readFileSync("package.json", "utf8"));
    const next =
      what === "version"
        ? text.replaceAll(`"${version}"`, '"9.9.9"')
        : text.replace(/"([A-Za-z0-9+/]{1000,}={0,2})"/g, (_whole, base64) => {
            // a custom section at its end changes nothing but the digest
            const section = Buffer.from([0, 3, 2, 104, 105]);
            const wasm = Buffer.concat([inflateSync(Buffer.from(base64, "base64")), section]);
            return `"${deflateSync(wasm).toString("base64")}"`;
          });
    if (next !== text) changed++;
    fs.writeFileSync(path, next);
  }
  expect(changed).toBeGreaterThan(0);
  return copy;
}

describe.skipIf(redisMissing)("the connection", { timeout: 120_000 }, () => {
  it("to no server, with no password or the wrong one, fails soon in one line without a secret", async () => {
    const port = server.port;
    for (const [redis, said] of [
      [
        "redis://:wrong-secret-99@127.0.0.1:1",
        /^flatvol queue status: cannot use Redis at redis:\/\/127\.0\.0\.1:1 \(/,
      ],
      [`redis://:wrong-secret-99@127.0.0.1:${port}`, /it refuses: WRONGPASS/],
      [`redis://127.0.0.1:${port}`, /it refuses: NOAUTH/],
      ["wrong-secret-99", /^flatvol queue status: --redis: expected a URL like/],
      ["http://wrong-secret-99@127.0.0.1", /--redis: expected a URL like/],
      ["redis://wrong-secret-99@127.0.0.1/no-database", /--redis: expected a URL like/],
    ] as const) {
      const { code, out, err } = await start(["queue", "status", "--redis", redis]).ended;
      expect(out).toBe("");
      expect(code).toBe(/--redis/.test(err) ? 2 : 1);
      expect(err).toMatch(said);
      expect(err).toMatch(/^[^\n]+\n$/);
      expect(err).not.toContain("wrong-secret-99");
    }
  });

  it("by TLS, with a name and a password", async () => {
    const files = { key: join(scratch, "key.pem"), cert: join(scratch, "cert.pem") };
    const made = spawnSync("openssl", [
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"],
      ...["-addext", "subjectAltName=DNS:localhost", "-keyout", files.key, "-out", files.cert],
    ]);
    expect(made.status).toBe(0);
    const home = join(scratch, "tls");
    fs.mkdirSync(home);
    const secure = await redisServer(home, (port) => [
      ...["--port", "0", "--tls-port", String(port), "--tls-auth-clients", "no"],
      ...["--tls-cert-file", files.cert, "--tls-key-file", files.key],
      ...["--user", "counter", "on", `>${PASSWORD}`, "~*", "+@all", "&*", "--user", "default", "off"],
    ]);
    await secure.start();
    try {
      const redis = `rediss://counter:${PASSWORD}@localhost:${secure.port}/2`;
      const env = { FLATVOL_REDIS: redis, NODE_EXTRA_CA_CERTS: files.cert };
      const call = async (...args: string[]) => {
        const end = await start([...args, "--json"], undefined, env).ended;
        expect([end.code, end.err.replace(/^flatvol worker: job .*\n/gm, "")]).toEqual([0, ""]);
        return JSON.parse(end.out);
      };
      const { job } = await call("queue", "submit", ...COUNT, "--samples", "3000", "--ranges", "2");
      expect(await call("worker", "--until-empty", "--workers", "1")).toEqual({ ranges: 2 });
      expect((await call("queue", "collect", job)).digest).toBe(await digestOf(3000));
      // a certificate that nobody vouches for is not taken
      const { code, err } = await start(["queue", "status"], undefined, { FLATVOL_REDIS: redis }).ended;
      expect(code).toBe(1);
      expect(err).toMatch(/^flatvol queue status: cannot use Redis at rediss:\/\/localhost:\d+ \(.*CERT.*\)\n$/);
    } finally {
      await secure.stop();
    }
  });
});
