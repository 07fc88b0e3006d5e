/**
 * `npm run bench [-- sampler | training | covariance | splitting] [--json] [--quick]`: all benches, or some. `--quick` takes 3 rounds in place of 7.
 *
 * What a machine lacks (gcc, PyTorch, the peers' packages) is left out with a line that says so.
 */
import { parseArgs } from "node:util";
import { benchCovariance, printCovariance } from "./covariance.mjs";
import { machine, machineLine } from "./measure.mjs";
import { benchSampler, printSampler } from "./sampler.mjs";
import { benchSplitting, printSplitting } from "./splitting.mjs";
import { benchTraining, printTraining } from "./training.mjs";

const BENCHES = ["sampler", "training", "covariance", "splitting"];
const { values, positionals } = parseArgs({
  options: { json: { type: "boolean" }, quick: { type: "boolean" } },
  allowPositionals: true,
});
const unknown = positionals.find((name) => !BENCHES.includes(name));
if (unknown !== undefined) {
  console.error(`bench: expected ${BENCHES.join(", ")}, got ${unknown}`);
  process.exit(2);
}
const wanted = positionals.length ? positionals : BENCHES;
const rounds = values.quick ? 3 : 7;
const notes = [];
const options = { rounds, quick: values.quick === true, notes };
const result = { machine, rounds };
if (wanted.includes("sampler")) Object.assign(result, await benchSampler(options));
if (wanted.includes("training")) result.training = await benchTraining(options);
if (wanted.includes("covariance")) result.covariance = await benchCovariance(options);
if (wanted.includes("splitting")) result.splitting = await benchSplitting(options);
result.notes = [...new Set(notes)];
if (values.json) console.log(JSON.stringify(result));
else {
  console.log(`\n${machineLine}; medians of ${rounds} interleaved runs`);
  if (result.sampler) printSampler(result);
  if (result.training) printTraining(result.training);
  if (result.covariance) printCovariance(result.covariance);
  if (result.splitting) printSplitting(result.splitting);
  for (const note of result.notes) console.log(note);
}
