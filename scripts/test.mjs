/**
 * `npm test`: builds, then runs every check and counts. The last line is `N passed, N failed`.
 * A missing Chromium is a failure with CI=true, and elsewhere a notice.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";

let passed = 0;
let failed = 0;

function run(title, command, args, env = {}) {
  console.log(`\n== ${title}`);
  const { status, stdout } = spawnSync(command, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  process.stdout.write(stdout ?? "");
  return { ok: status === 0, stdout: stdout ?? "" };
}

/** A check that counts as one. */
function check(title, command, args) {
  const { ok } = run(title, command, args);
  if (ok) passed++;
  else {
    failed++;
    console.log(`FAILED: ${title}`);
  }
  return ok;
}

function vitest(project) {
  const file = `build/vitest-${project}.json`;
  rmSync(file, { force: true });
  const { ok } = run(`vitest, ${project}`, "node_modules/.bin/vitest", [
    "run",
    "--project",
    project,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${file}`,
  ]);
  if (!existsSync(file)) {
    failed++;
    return;
  }
  const result = JSON.parse(readFileSync(file, "utf8"));
  passed += result.numPassedTests;
  failed += result.numFailedTests;
  const skipped = result.numPendingTests + result.numTodoTests;
  if (skipped > 0) console.log(`${skipped} skipped`);
  // a file that fails to load, or an error between tests, has no failed test of its own
  if (!ok && result.numFailedTests === 0) failed++;
  if (result.numPassedTests === 0 && ok) failed++;
}

if (check("build", "node", ["scripts/build.mjs"])) {
  check("types", "node_modules/.bin/tsc", ["-p", "tsconfig.json"]);
  check("public surface", "node", ["scripts/apiReport.mjs", "--check"]);
  check("lint", "node_modules/.bin/biome", ["check", "--error-on-warnings", "."]);
  const aspect = run("as-pect", "node_modules/.bin/asp", ["--no-logo"], { FORCE_COLOR: "0", NO_COLOR: "1" });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal colours
  const plain = aspect.stdout.replace(/\u001b\[\d+m/g, "");
  const tests = /\[Tests\]:\s*(\d+)\s*\/\s*(\d+)/.exec(plain);
  if (tests) {
    passed += Number(tests[1]);
    failed += Number(tests[2]) - Number(tests[1]);
  }
  if (!aspect.ok && !(tests && tests[1] !== tests[2])) failed++;
  vitest("node");
  const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";
  if (existsSync(chromium)) vitest("chromium");
  else if (process.env.CI === "true") {
    failed++;
    console.log(`FAILED: no Chromium at ${chromium}; install it or set CHROMIUM`);
  } else console.log(`\n== vitest, chromium\nnot run: no Chromium at ${chromium}; install it or set CHROMIUM`);
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
