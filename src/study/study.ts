/**
 * What a study is, and what comes out of it.
 *
 * @module
 */
import { version } from "../generated/version.ts";
import type { RunRecord } from "./count.ts";
import type { StudyIdentity, StudyTask } from "./run.ts";

/** A protocol: settings in, plain records out. `Data` is what it must be given beside them. */
export interface Study<Settings, R, Analysis, Data = undefined> {
  readonly name: string;
  /** The whole study, and a minute's version. */
  readonly full: Settings;
  readonly quick: Settings;
  /** Its tasks, a function of settings, seed and data. */
  tasks(settings: Settings, seed: bigint, data: Data): Promise<Array<StudyTask<R>>>;
  /** Tasks that depend on the records of the first ones; theirs come after those. Default: none. */
  followUp?(settings: Settings, seed: bigint, data: Data, records: readonly R[]): Promise<Array<StudyTask<R>>>;
  /** What the records say: a function of them. */
  analyse(records: readonly R[], settings: Settings, signal?: AbortSignal): Promise<Analysis>;
}

/** Everything that a report shows. Plain data. */
export interface StudyRecords<Settings, R, Analysis> extends StudyIdentity {
  readonly version: string;
  readonly settings: Settings;
  readonly records: readonly R[];
  readonly analysis: Analysis;
  readonly run: RunRecord;
}

/** Puts a study's outcome together. */
export function studyRecords<S, R, A>(
  identity: StudyIdentity & { readonly settings: S },
  records: readonly R[],
  analysis: A,
  run: RunRecord,
): StudyRecords<S, R, A> {
  return { ...identity, version, records, analysis, run };
}
