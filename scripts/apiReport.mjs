/**
 * `node scripts/apiReport.mjs`: writes docs/api/*.api.md, the public surface of each entry point, from the built types.
 * `--check` fails instead if a report is not what the types say: a change of the surface must show in a diff.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { Extractor, ExtractorConfig } from "@microsoft/api-extractor";

const check = process.argv.includes("--check");
const root = resolve(".");
const reports = join(root, "docs", "api");
mkdirSync(reports, { recursive: true });
mkdirSync("build", { recursive: true });
const scratch = mkdtempSync(join(root, "build", "api-"));

const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
let wrong = 0;
for (const [path, { types }] of Object.entries(exports)) {
  // the one-file build has the core's symbols
  if (!types || path === "./browser") continue;
  const name = path === "." ? "flatvol" : path.replace("./", "flatvol-");
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: resolve(types),
      compiler: { tsconfigFilePath: join(root, "tsconfig.json") },
      apiReport: { enabled: true, reportFileName: `${name}.api.md`, reportFolder: reports, reportTempFolder: scratch },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: "lf",
      messages: {
        compilerMessageReporting: { default: { logLevel: "none" } },
        // what is not exported but appears in signatures is still shown, as a forgotten export, in the report
        extractorMessageReporting: {
          default: { logLevel: "none" },
          "ae-forgotten-export": { logLevel: "none" },
        },
        tsdocMessageReporting: { default: { logLevel: "none" } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, "package.json"),
  });
  const { apiReportChanged, errorCount } = Extractor.invoke(config, {
    localBuild: !check,
    messageCallback: (message) => {
      message.handled = true;
      if (message.logLevel === "error") console.error(message.text);
    },
  });
  if (errorCount > 0 || (check && apiReportChanged)) {
    wrong++;
    console.error(
      `${name}.api.md: ${apiReportChanged ? "the public surface has changed; run `npm run api`" : "failed"}`,
    );
  }
}
rmSync(scratch, { recursive: true, force: true });
process.exit(wrong > 0 ? 1 : 0);
