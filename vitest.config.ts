import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";

/** Files that need Node: the file system, child processes. Every other test runs in both worlds. */
const nodeOnly = ["test/node/**/*.test.ts"];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/slow/**"],
          testTimeout: 60_000,
        },
      },
      {
        optimizeDeps: {
          include: [
            "comlink",
            "fast-check",
            "@assemblyscript/loader",
            "@noble/hashes/sha2.js",
            "@observablehq/plot",
            "linkedom",
            "@jax-js/jax",
            "@stdlib/math-base-special-erfcx",
            "@stdlib/stats-base-dists-normal-logcdf",
            "simple-statistics",
          ],
        },
        test: {
          name: "chromium",
          include: ["test/**/*.test.ts"],
          exclude: ["test/slow/**", ...nodeOnly],
          testTimeout: 60_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: {
                executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
                args: [
                  "--no-sandbox",
                  "--disable-gpu",
                  "--disable-quic",
                  "--no-first-run",
                  "--disable-background-networking",
                  "--disable-component-update",
                  "--disable-sync",
                ],
              },
            }),
            instances: [{ browser: "chromium" }],
          },
        },
      },
      {
        test: {
          name: "slow",
          include: ["test/slow/**/*.test.ts"],
          testTimeout: 3_600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
