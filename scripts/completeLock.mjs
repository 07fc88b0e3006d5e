/**
 * Adds to package-lock.json the optional packages of other platforms that npm left out.
 *
 * `npm install` through a registry mirror that has the binaries of one platform only writes a lock file without the
 * others, which `npm ci` then refuses ("Missing: … from lock file"), there and elsewhere. Their versions are exact in their
 * parents, and their platforms in their names.
 */
import { readFileSync, writeFileSync } from "node:fs";

const OS = ["android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "aix", "win32"];
const CPU = ["arm64", "x64", "ia32", "arm", "ppc64", "s390x", "riscv64", "loong64", "mips64el", "wasm32"];

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
const added = [];
for (const [path, { optionalDependencies, dev }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies ?? {})) {
    // as Node looks for it, from the package up
    const places = [];
    for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
      places.push(at === "" ? `node_modules/${name}` : `${at}/node_modules/${name}`);
      if (at === "") break;
    }
    if (places.some((place) => lock.packages[place]?.version === version)) continue;
    if (!/^\d+\.\d+\.\d+/.test(version)) continue;
    const words = name.split(/[/-]/);
    const has = (list) => list.filter((word) => words.includes(word));
    const cpu = has(CPU).length > 0 ? has(CPU) : words.some((w) => w.startsWith("arm")) ? ["arm"] : [];
    const os = has(OS);
    const libc = words.includes("musl") ? ["musl"] : words.includes("gnu") && os.includes("linux") ? ["glibc"] : [];
    if (os.length === 0 && cpu.length === 0) continue;
    const place = lock.packages[places.at(-1)] === undefined ? places.at(-1) : places[0];
    lock.packages[place] = {
      version,
      ...(cpu.length > 0 ? { cpu } : {}),
      ...(dev ? { dev } : {}),
      ...(libc.length > 0 ? { libc } : {}),
      optional: true,
      ...(os.length > 0 ? { os } : {}),
    };
    added.push(`${name}@${version}`);
  }
}
const [root, ...rest] = Object.entries(lock.packages);
lock.packages = Object.fromEntries([root, ...rest.sort(([a], [b]) => (a < b ? -1 : 1))]);
writeFileSync("package-lock.json", `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length > 0 ? `added ${added.join(", ")}` : "nothing is missing");
