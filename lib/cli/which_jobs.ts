/**
 * Which jobs a command is about: those with some ids, or all of some queues and statuses that a filter means.
 *
 * @module
 */

import { parseDuration } from "../base/duration.ts";
import { checkChoice } from "../base/options.ts";
import type { JobStatus } from "../job/status.ts";
import type { RequeueAllOptions } from "../queue/acting_registries.ts";
import type { BulkResult } from "../queue/bulk.ts";
import type { Job } from "../queue/job.ts";
import type { JobFilter } from "../queue/job_filter.ts";
import type { ChangeAllOptions } from "../queue/job_registry.ts";
import { Queue } from "../queue/queue.ts";
import type { ConnectionOptions } from "../store/connection.ts";
import { fromFlags, UsageError } from "./flags.ts";

/** The declaration of a flag that may be given several times. */
export interface ListFlag {
  readonly short: string;
  readonly value: string;
  readonly repeatable: true;
  readonly help: string;
}

/** The declaration of a flag with a text. */
export interface TextFlag {
  readonly value: string;
  readonly help: string;
}

/** The names of the flags of a filter. */
type FilterFlag = "func" | "error" | "tag" | "worker" | "since" | "before";

/** The flag that names queues. */
export const QUEUES_FLAG: ListFlag = {
  short: "q",
  value: "NAMES",
  repeatable: true,
  help: "of these queues, separated by commas (default: all)",
};

/** The flags of a filter. */
export const FILTER_FLAGS: Readonly<Record<FilterFlag, TextFlag>> = {
  func: { value: "FUNCTION", help: "calls of this function" },
  error: {
    value: "TEXT",
    help: "with this text in their failure; /TEXT/ is a regular expression",
  },
  tag: { value: "TAG", help: "with this tag" },
  worker: { value: "NAME", help: "that this worker runs, or ran last" },
  since: {
    value: "WHEN",
    help:
      "that got there within this time (90s, 5m, 1h30m, 2d), or since this date",
  },
  before: { value: "WHEN", help: "that got there before" },
};

/** What a command gets for these flags. */
type Filters = Readonly<Record<FilterFlag, string | undefined>>;

/** The jobs of a queue in one place. */
export interface JobsPlace {
  readonly queue: Queue;
  readonly statuses: readonly JobStatus[];
  jobs(filter: JobFilter, newestFirst: boolean): AsyncIterable<Job>;
  /** When a job got there, or is due. */
  timeOf(job: Job): Promise<Date | null> | Date | null;
  cancelAll(options: ChangeAllOptions): Promise<BulkResult>;
  /** Missing where jobs cannot be deleted. */
  readonly deleteAll?: (options: ChangeAllOptions) => Promise<BulkResult>;
  /** Missing where jobs cannot be requeued. */
  readonly requeueAll?: (options: RequeueAllOptions) => Promise<BulkResult>;
}

/** The places of a queue, in the order in which jobs are listed. */
const PLACES: readonly ((queue: Queue) => JobsPlace)[] = [
  (queue) => {
    const registry = queue.startedJobRegistry;
    return {
      queue,
      statuses: ["started"],
      jobs: (filter, newestFirst) => registry.jobs({ ...filter, newestFirst }),
      timeOf: (job) => job.startedAt,
      cancelAll: (options) => registry.cancelAll(options),
    };
  },
  (queue) => ({
    queue,
    statuses: ["queued", "rate_limited"],
    jobs: (filter) => queue.jobs(filter),
    timeOf: (job) => job.enqueuedAt,
    cancelAll: (options) => queue.cancelAll(options),
    deleteAll: (options) => queue.deleteAll(options),
  }),
  (queue) => requeueable(queue, ["scheduled"], queue.scheduledJobRegistry),
  (queue) => {
    const registry = queue.deferredJobRegistry;
    return {
      queue,
      statuses: ["deferred"],
      jobs: (filter, newestFirst) => registry.jobs({ ...filter, newestFirst }),
      timeOf: (job) => registry.timeOf(job),
      cancelAll: (options) => registry.cancelAll(options),
      deleteAll: (options) => registry.clear(options),
    };
  },
  (queue) => requeueable(queue, ["failed", "stopped"], queue.failedJobRegistry),
  (queue) => requeueable(queue, ["finished"], queue.finishedJobRegistry),
  (queue) => requeueable(queue, ["canceled"], queue.canceledJobRegistry),
];

function requeueable(
  queue: Queue,
  statuses: readonly JobStatus[],
  registry: Queue["failedJobRegistry"],
): JobsPlace {
  const isOver = statuses.includes("failed") || statuses.includes("finished");
  return {
    queue,
    statuses,
    jobs: (filter, newestFirst) => registry.jobs({ ...filter, newestFirst }),
    timeOf: (job) => isOver ? job.endedAt : registry.timeOf(job),
    cancelAll: (options) => registry.cancelAll(options),
    deleteAll: (options) => registry.clear(options),
    requeueAll: (options) => registry.requeueAll(options),
  };
}

/** The statuses that jobs can be listed by. */
const STATUSES: readonly JobStatus[] = [
  "started",
  "queued",
  "rate_limited",
  "scheduled",
  "deferred",
  "failed",
  "stopped",
  "finished",
  "canceled",
];

/** The flag that names statuses. */
export const STATUS_FLAG: ListFlag = {
  short: "s",
  value: "STATUSES",
  repeatable: true,
  help: `with these statuses, separated by commas: ${STATUSES.join(", ")}`,
};

/** What stands in lists of flags, separated by commas. */
function listOf(texts: readonly string[]): string[] {
  return texts.flatMap((text) => text.split(",")).filter((text) => text !== "");
}

/**
 * The queues that a command is about.
 *
 * @throws {UsageError} If a name is invalid.
 */
export async function queuesOf(
  names: readonly string[],
  connection: ConnectionOptions,
): Promise<Queue[]> {
  if (names.length === 0) return await Queue.all(connection);
  return fromFlags(() =>
    listOf(names).map((name) => new Queue(name, connection))
  );
}

/**
 * The statuses that are named; all of them if none is.
 *
 * @throws {UsageError} If there is no such status.
 */
export function statusesOf(texts: readonly string[]): readonly JobStatus[] {
  const named = listOf(texts);
  if (named.length === 0) return STATUSES;
  return fromFlags(() =>
    named.map((text) => checkChoice("--status", text, STATUSES))
  );
}

/** The places of a queue that have jobs of these statuses, and what a filter has to say of them. */
export function placesOf(
  queue: Queue,
  statuses: readonly JobStatus[],
): { readonly place: JobsPlace; readonly filter: JobFilter }[] {
  return PLACES.map((place) => place(queue)).flatMap((place) => {
    const wanted = place.statuses.filter((status) => statuses.includes(status));
    const [status] = wanted;
    if (status === undefined) return [];
    const isAll = wanted.length === place.statuses.length;
    return [{ place, filter: isAll ? {} : { status } }];
  });
}

/** What is asked before all jobs are changed that flags mean. */
export function questionOf(
  verb: string,
  statuses: readonly JobStatus[],
  queues: readonly Queue[],
  filter: JobFilter,
): string {
  const names = queues.slice(0, 5).map(({ name }) => name);
  const where = queues.length > 5
    ? `${names.join(", ")} and ${queues.length - 5} more queues`
    : names.join(", ");
  const [all, which] = Object.keys(filter).length > 0
    ? ["the", " that the flags mean"]
    : ["all", ""];
  return `${verb} ${all} jobs of ${where}${which}: ${statuses.join(", ")}?`;
}

/**
 * The filter that flags make.
 *
 * @throws {UsageError} If one cannot be read.
 */
export function filterOf(flags: Filters, now: Date = new Date()): JobFilter {
  return fromFlags(() => {
    const { func, error, tag, worker, since, before } = flags;
    const filter = {
      func,
      tag,
      worker,
      error: error === undefined ? undefined : expressionOf(error),
      after: since === undefined ? undefined : dateOf("--since", since, now),
      before: before === undefined
        ? undefined
        : dateOf("--before", before, now),
    };
    const said = Object.entries(filter).filter(([, value]) =>
      value !== undefined
    );
    return Object.fromEntries(said);
  });
}

/** Checks that jobs are named by ids, or that all are meant; and that a filter is given only with that. */
export function checkWhich(
  command: string,
  args: readonly string[],
  all: boolean,
  others: Readonly<Record<string, string | readonly string[] | undefined>>,
): void {
  if (all && args.length > 0) {
    throw new UsageError(`Cannot use --all and ids together: ${args[0]}`);
  }
  if (all) return;
  const [name] =
    Object.entries(others).find(([, value]) =>
      value !== undefined && value.length > 0
    ) ?? [];
  if (name !== undefined) {
    throw new UsageError(`Cannot use --${name} without --all`);
  }
  if (args.length === 0) {
    throw new UsageError(`${command} needs ids of jobs, or --all`);
  }
}

function expressionOf(text: string): string | RegExp {
  const [, expression] = /^\/(.+)\/$/s.exec(text) ?? [];
  if (expression === undefined) return text;
  try {
    return new RegExp(expression);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new RangeError(`Cannot use --error ${text}: ${cause.message}`);
  }
}

/** A date, in local time if it does not say otherwise; or a length of time before now. */
function dateOf(label: string, text: string, now: Date): Date {
  if (!/^\d{4}-/.test(text)) {
    const seconds = parseDuration(text, label);
    return new Date(now.getTime() - seconds * 1_000);
  }
  const date = new Date(text);
  if (!Number.isNaN(date.getTime())) return date;
  throw new RangeError(
    `Cannot use ${label} "${text}": expected a length of time such as 1h30m, or a date such as 2027-05-27T21:45:00`,
  );
}
