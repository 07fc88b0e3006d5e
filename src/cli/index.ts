#!/usr/bin/env node
/**
 * The command `flatvol`: parses, calls the library, prints.
 *
 * @module
 */
import { Command, CommanderError, Option } from "commander";
import { version } from "../generated/version.ts";
import { oneLine, parseInteger } from "./arguments.ts";
import { countFlags } from "./networkOptions.ts";
import { type CommonOptions, report, runVerb, type Session } from "./session.ts";

const top = (): Option =>
  new Option("--top <k>", "most frequent functions to print")
    .argParser((text) => parseInteger("--top", text))
    .default(20);

/** Adds what all verbs share. Verbs load what they need when they run, so that help is quick. */
function verb<Flags extends CommonOptions>(
  command: Command,
  run: (flags: Flags, session: Session, args: string[]) => Promise<void>,
): Command {
  return command.allowExcessArguments(false).action(async () => {
    await runVerb(fullName(command), command.opts<Flags>(), (session) =>
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

function commandLine(): Command {
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
  count
    .addOption(top())
    .option("--orbits", "add the estimates from whole orbits under the prior's symmetries")
    .option("--out <file>", "write the whole table, .parquet or .csv");
  verb(count, async (flags, session) =>
    (await import("./count.ts")).count(flags as Parameters<typeof import("./count.ts").count>[0], session),
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
  const program = commandLine();
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
