/** What the benches share: the command line, medians, compilers, and peers that run in processes of their own. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** This folder. */
export const here = dirname(fileURLToPath(import.meta.url));
/** Peers that need an interpreter. */
export const peersFolder = join(here, "peers");
/** Whether the packages of the JavaScript peers are there. */
export const installed = existsSync(join(peersFolder, "node_modules"));
export const NOT_INSTALLED = "tfjs, jax-js: left out; run `npm ci --ignore-scripts` in bench/peers";

/** Native code with 128-bit vectors and no fused multiply-add: name, flags of gcc, what it is called. */
export const NATIVE = [
  ["sse", ["-O3", "-msse4.2", "-mno-avx", "-ffp-contract=off"], "C, SSE4.2 encoding"],
  ["avx", ["-O3", "-mavx", "-mno-fma", "-ffp-contract=off"], "C, AVX encoding of 128 bits"],
];

export const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version };
export const machineLine = `${machine.cpu}, ${machine.cores} threads, Node ${machine.node}`;

/** Says on stderr how far the bench is. */
export const log = (text) => process.stderr.write(`${text}\n`);

export const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
export const spread = (values) => [Math.min(...values), Math.max(...values)];

/** Every peer runs on one thread. */
const env = { ...process.env, OPENBLAS_NUM_THREADS: "1", OMP_NUM_THREADS: "1", MKL_NUM_THREADS: "1" };

const lastLine = (text) => (text ?? "").trim().split("\n").pop();

/** Runs a peer once: what it prints as JSON, or `{ failure }` if it is missing. */
export function peer(command, args, cwd) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8", env });
  if (status !== 0) return { failure: lastLine(stderr) || `${command} is missing` };
  return JSON.parse(lastLine(stdout));
}

/** The first Python that does this without failing. */
export function pythonFor(args) {
  return ["/usr/bin/python3", "python3"].find((p) => peer(p, args, peersFolder).failure === undefined);
}

/**
 * Compiles `native/<source>` to `native/build/<name>`.
 *
 * @returns the program and no failure, or why there is none.
 */
export function compile(source, name, flags, libraries = ["-lm"]) {
  const program = join(here, "native", "build", name);
  try {
    mkdirSync(dirname(program), { recursive: true });
    execFileSync("gcc", [...flags, "-o", program, join(here, "native", source), ...libraries], { stdio: "pipe" });
    return { program };
  } catch (error) {
    return { program, failure: String(error.message).split("\n")[0] };
  }
}

/** A peer that stays: one line of command on its stdin, one line of JSON back. */
export class Server {
  #process;
  #lines;
  #errors = "";
  #ended;

  constructor(command, args, cwd) {
    this.#process = spawn(command, args, { cwd, env });
    this.#process.stderr.on("data", (text) => {
      this.#errors += text;
    });
    this.#process.stdin.on("error", () => {});
    this.#ended = new Promise((resolve) => {
      this.#process.on("error", (error) => resolve(error.message));
      this.#process.on("close", (code) => resolve(lastLine(this.#errors) || `it ended with code ${code}`));
    });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** @throws Error with the peer's last words if it has ended. */
  async ask(command) {
    this.#process.stdin.write(`${command}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(await this.#ended);
    return JSON.parse(value);
  }

  /** Lets it end. */
  async close() {
    this.#process.stdin.end();
    await this.#ended;
  }
}
