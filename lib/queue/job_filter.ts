/** Which jobs of a registry or queue are meant. @module */

import { refuseUnknown } from "../base/options.ts";
import { optionNames } from "../base/option_names.ts";
import { UnreadableDataError } from "../job/codec.ts";
import type { JobRecord } from "../job/record.ts";
import { decodeFailure, failureOf, isFailure } from "../job/result_codec.ts";
import { isJobStatus, type JobStatus, statusOfText } from "../job/status.ts";
import { checkTag, tagsOfText } from "../job/tags.ts";
import type { JobStore } from "../store/job_store.ts";
import { callNames, type FuncSource } from "./func_name.ts";

/** Which jobs are meant: those to which all of this applies. */
export interface JobFilter {
  /** Their function, as `enqueue()` takes it. */
  readonly func?: FuncSource;
  /** Text that the failure contains, stack included, or an expression that it matches. */
  readonly error?: string | RegExp;
  /** A tag that they have. */
  readonly tag?: string;
  /** The name of the worker that runs them, or ran them last. */
  readonly worker?: string;
  /** Their status, where the place has jobs of several: `"stopped"` ones are among the failed ones. */
  readonly status?: JobStatus;
  /**
   * Those that got there no sooner: ended jobs by when they ended, started ones by when they started, scheduled ones by
   * when they are due.
   */
  readonly after?: Date;
  /** Those that got there sooner. */
  readonly before?: Date;
}

/** The names of its fields. */
export const FILTER_OPTIONS: Readonly<Record<keyof JobFilter, true>> = {
  func: true,
  error: true,
  tag: true,
  worker: true,
  status: true,
  after: true,
  before: true,
};

const KNOWN = optionNames<JobFilter>(FILTER_OPTIONS);

/** A job that may be meant. */
export interface Candidate {
  readonly record: JobRecord;
  /** Its score in a registry, in seconds since 1970. */
  readonly score: number;
}

/** A checked filter. */
export interface JobMatcher {
  /** Whether it takes every job, so that none has to be read. */
  readonly takesAll: boolean;
  /** Of these jobs, those that are meant; in their order. */
  choose(
    store: JobStore,
    candidates: readonly Candidate[],
  ): Promise<Candidate[]>;
}

/**
 * Checks a filter. What it gives looks up the name of the function, if there is one.
 *
 * @param action How the error begins, such as `"Cannot list jobs"`.
 * @param known The names of all options, where the filter is among others.
 * @throws {RangeError | TypeError} It names what is wrong.
 */
export function checkFilter(
  filter: JobFilter,
  action: string,
  known: ReadonlySet<string> = KNOWN,
): () => Promise<JobMatcher> {
  refuseUnknown(filter, known, action);
  const { func, error, tag, worker, status, after, before } = filter;
  if (tag !== undefined) checkTag(tag);
  if (status !== undefined && !isJobStatus(status)) {
    throw new RangeError(`${action}: there is no status "${status}"`);
  }
  for (const [name, date] of Object.entries({ after, before })) {
    if (date === undefined) continue;
    if (!(date instanceof Date) || Number.isNaN(date.getTime())) {
      throw new TypeError(`${action}: "${name}" is no valid date`);
    }
  }
  for (const [name, text] of Object.entries({ error, worker })) {
    if (text === undefined || typeof text === "string") continue;
    if (name === "error" && text instanceof RegExp) continue;
    throw new TypeError(`${action}: "${name}" is no text`);
  }
  return async () => {
    const name = func === undefined
      ? undefined
      : (await callNames(func, [])).func;
    return matcher({ ...filter, func: name });
  };
}

type CheckedFilter = Omit<JobFilter, "func"> & {
  readonly func: string | undefined;
};

function matcher(filter: CheckedFilter): JobMatcher {
  const { func, error, tag, worker, status, after, before } = filter;
  const conditions: ((candidate: Candidate) => boolean)[] = [];
  if (func !== undefined) {
    conditions.push(({ record }) => funcNameOf(record) === func);
  }
  if (tag !== undefined) {
    conditions.push(({ record }) =>
      tagsOfText(record.text("x_tags")).includes(tag)
    );
  }
  if (worker !== undefined) {
    conditions.push(({ record }) => record.text("worker_name") === worker);
  }
  if (status !== undefined) {
    conditions.push(({ record }) => statusOf(record) === status);
  }
  if (after !== undefined) {
    conditions.push((candidate) => timeOf(candidate) >= after.getTime());
  }
  if (before !== undefined) {
    conditions.push((candidate) => timeOf(candidate) < before.getTime());
  }
  return {
    takesAll: conditions.length === 0 && error === undefined,
    async choose(store, candidates) {
      const some = candidates.filter((candidate) =>
        conditions.every((holds) => holds(candidate))
      );
      if (error === undefined) return some;
      const failures = await Promise.all(
        some.map(({ record }) => failureText(store, record)),
      );
      return some.filter((_, i) => contains(failures[i] ?? "", error));
    },
  };
}

/** The status of a job in its hash. */
export function statusOf(record: JobRecord): JobStatus | null {
  return statusOfText(record.text("status") ?? null);
}

/** The stored name of its function; `undefined` if its data cannot be read. */
function funcNameOf(record: JobRecord): string | undefined {
  try {
    return record.call.funcName;
  } catch (error) {
    if (error instanceof UnreadableDataError) return undefined;
    throw error;
  }
}

/** When a job got to where it is, in milliseconds since 1970; NaN if that is not known. */
function timeOf({ record, score }: Candidate): number {
  switch (statusOf(record)) {
    case "queued":
    case "rate_limited":
      return record.date("enqueued_at")?.getTime() ?? NaN;
    case "started":
      return record.date("started_at")?.getTime() ?? NaN;
    case "finished":
    case "failed":
    case "stopped":
      return record.date("ended_at")?.getTime() ?? NaN;
    default:
      return score * 1_000;
  }
}

async function failureText(
  store: JobStore,
  record: JobRecord,
): Promise<string> {
  const latest = await store.latestResult(record.id);
  if (latest === null) return failureOf(record) ?? "";
  return isFailure(latest) ? decodeFailure(latest) : "";
}

function contains(text: string, error: string | RegExp): boolean {
  return typeof error === "string"
    ? text.includes(error)
    : text.search(error) >= 0;
}
