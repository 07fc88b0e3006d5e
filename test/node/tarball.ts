/** A project that has installed the package from its tarball. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const manifest = JSON.parse(readFileSync("package.json", "utf8"));

/** @returns its folder, which the caller removes. */
export function installTarball(): string {
  const consumer = mkdtempSync(join(tmpdir(), "flatvol-consumer-"));
  const packed = execFileSync("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", consumer], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ filename }] = JSON.parse(packed);
  const home = join(consumer, "node_modules", "flatvol");
  mkdirSync(home, { recursive: true });
  execFileSync("tar", ["-xzf", join(consumer, filename), "--strip-components=1", "-C", home]);
  // its dependencies, from here: an npm install would need a registry
  for (const name of Object.keys(manifest.dependencies)) {
    const link = join(consumer, "node_modules", name);
    mkdirSync(join(link, ".."), { recursive: true });
    execFileSync("ln", ["-s", join(process.cwd(), "node_modules", name), link]);
  }
  writeFileSync(join(consumer, "package.json"), '{"type":"module"}');
  return consumer;
}
