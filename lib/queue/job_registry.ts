/**
 * The registries of a queue: its jobs that have started, finished, failed, … Reading one changes nothing, and reads in
 * pages: Redis is never held up, however many jobs there are.
 *
 * @module
 */

import { optionNames, refuseUnknown } from "../base/options.ts";
import type { JobStatus } from "../job/status.ts";
import type { RegistryName } from "../store/keys.ts";
import {
  registryCount,
  registryPages,
  type RegistryPlace,
  registryScore,
} from "../store/registries.ts";
import {
  type BulkOptions,
  type BulkResult,
  cancelAll,
  candidatesOf,
  type Source,
} from "./bulk.ts";
import type { Context } from "./context.ts";
import { type Job, newJob } from "./job.ts";
import {
  checkFilter,
  FILTER_OPTIONS,
  type JobFilter,
  type JobMatcher,
} from "./job_filter.ts";

/** Which ids of a registry are given, and in which order. */
export interface RegistryPage {
  /**
   * How many to skip.
   *
   * @default 0
   */
  readonly offset?: number;
  /**
   * How many to give at most.
   *
   * @default Infinity
   */
  readonly limit?: number;
  /**
   * Turns the order round: the latest first.
   *
   * @default false
   */
  readonly newestFirst?: boolean;
}

/** Options of {@linkcode JobRegistry.jobs}. */
export interface RegistryJobsOptions
  extends JobFilter, Pick<RegistryPage, "newestFirst"> {}

/** Options of calls that change all jobs of a place, or those that a filter means. */
export interface ChangeAllOptions extends JobFilter, BulkOptions {}

/** The names of {@linkcode ChangeAllOptions}. */
export const CHANGE_ALL_OPTIONS: ReadonlySet<string> = optionNames<
  ChangeAllOptions
>({
  ...FILTER_OPTIONS,
  signal: true,
  onProgress: true,
});

const PAGE_OPTIONS = optionNames<RegistryPage>({
  offset: true,
  limit: true,
  newestFirst: true,
});

const JOBS_OPTIONS = optionNames<RegistryJobsOptions>({
  ...FILTER_OPTIONS,
  newestFirst: true,
});

/** How many jobs one page of {@linkcode JobRegistry.jobs} reads. */
const JOBS_PAGE = 100;

/** How many ids one page of {@linkcode JobRegistry.jobIds} reads. */
const IDS_PAGE = 1_000;

/** The name of a registry that users see, in its key. */
export type VisibleRegistry = Exclude<RegistryName, "ready">;

/** The statuses of jobs in each of them. */
const STATUSES: Readonly<Record<VisibleRegistry, readonly JobStatus[]>> = {
  wip: ["started"],
  finished: ["finished"],
  failed: ["failed", "stopped"],
  deferred: ["deferred"],
  scheduled: ["scheduled"],
  canceled: ["canceled"],
};

/** What is behind a registry. Internal to this folder. */
export interface RegistrySource extends Source {
  readonly context: Context;
  readonly place: RegistryPlace;
  /** How an error about its jobs begins. */
  cannot(verb: string): string;
}

/** What is behind a registry. Internal to this folder. */
export let sourceOf: (registry: JobRegistry) => RegistrySource;

/** Makes a registry in which one can only look. Internal to this folder. */
export let newRegistry: (
  queue: string,
  name: VisibleRegistry,
  context: () => Context,
) => JobRegistry;

/** A registry of a queue, such as `queue.startedJobRegistry`; RQ's `BaseRegistry`. */
export class JobRegistry {
  /** The queue's name. */
  readonly queueName: string;
  readonly #name: VisibleRegistry;
  readonly #context: () => Context;

  static {
    newRegistry = (queue, name, context) =>
      new JobRegistry(queue, name, context);
    sourceOf = (registry) =>
      source(registry.queueName, registry.#name, registry.#context());
  }

  /** Internal. Use `queue.failedJobRegistry` and the like. */
  protected constructor(queue: string, name: string, context: unknown) {
    this.queueName = queue;
    this.#name = name as VisibleRegistry;
    this.#context = context as () => Context;
  }

  /** How many jobs it has. */
  count(): Promise<number> {
    return sourceOf(this).count();
  }

  /**
   * Ids of its jobs: ended ones by when they expire, started ones by the end of their lease, scheduled ones by when they
   * are due, others by when they came.
   *
   * @throws {RangeError | TypeError} If an option is unknown or invalid.
   */
  async jobIds(options: RegistryPage = {}): Promise<string[]> {
    const { context, place, cannot } = sourceOf(this);
    refuseUnknown(options, PAGE_OPTIONS, cannot("list"));
    const { offset = 0, limit = Infinity, newestFirst = false } = options;
    checkCount(offset, `${cannot("list")}: offset`);
    if (limit !== Infinity) checkCount(limit, `${cannot("list")}: limit`);
    if (limit === 0) return [];
    const ids = new Set<string>(); // workers of RQ may have two leases of one job
    const pageSize = Math.min(limit, IDS_PAGE);
    const walk = { offset, newestFirst, pageSize };
    for await (const page of registryPages(context.store, place, walk)) {
      for (const { id } of page) {
        ids.add(id);
        if (ids.size === limit) return [...ids];
      }
    }
    return [...ids];
  }

  /**
   * Its jobs, as far as a filter means them, in the order of {@linkcode JobRegistry.jobIds}. They are read in pages. Jobs
   * that come or leave meanwhile may be missing.
   *
   * @throws {RangeError | TypeError} If an option is unknown or invalid.
   *
   * @example
   * ```ts ignore
   * for await (const job of queue.failedJobRegistry.jobs({ error: "ECONNREFUSED" })) {
   *   console.log(job.id, job.description, job.endedAt);
   * }
   * ```
   */
  jobs(options: RegistryJobsOptions = {}): AsyncIterableIterator<Job> {
    const { cannot } = sourceOf(this);
    const filter = checkFilter(options, cannot("list"), JOBS_OPTIONS);
    return jobsOf(this, filter, options.newestFirst ?? false);
  }

  /** Whether a job is in it. */
  async has(job: Job | string): Promise<boolean> {
    return await this.#score(job) !== null;
  }

  /**
   * When a scheduled job is due; until when a finished or failed one is kept; when the lease of a started one ends; since
   * when a deferred or canceled one is that. `null` if it is not here, or is kept for ever.
   */
  async timeOf(job: Job | string): Promise<Date | null> {
    const score = await this.#score(job);
    if (score === null || score < 0) return null;
    const date = new Date(score * 1_000);
    return Number.isNaN(date.getTime()) ? null : date;
  }

  /**
   * Cancels all of its jobs, or those that a filter means: they will not run, but are still stored, as `canceled`. Those
   * that run are stopped.
   *
   * @throws {RangeError | TypeError} If an option is unknown or invalid.
   *
   * @example
   * ```ts ignore
   * await queue.scheduledJobRegistry.cancelAll({ tag: "customer-7" });
   * ```
   */
  async cancelAll(options: ChangeAllOptions = {}): Promise<BulkResult> {
    const source = sourceOf(this);
    const action = source.cannot("cancel");
    const matcher = await checkFilter(options, action, CHANGE_ALL_OPTIONS)();
    return await cancelAll(source.context.store, source, matcher, options);
  }

  #score(job: Job | string): Promise<number | null> {
    const { context, place } = sourceOf(this);
    return registryScore(context.store, place, idOf(job));
  }
}

/** The id of what a caller names a job by. Internal to this folder. */
export function idOf(job: Job | string): string {
  return typeof job === "string" ? job : job.id;
}

function source(
  queue: string,
  name: VisibleRegistry,
  context: Context,
): RegistrySource {
  const { store } = context;
  const place = { queue, name };
  const kind = name === "wip" ? "started" : name;
  return {
    context,
    place,
    queue,
    key: store.keys.registry(name, queue),
    statuses: STATUSES[name],
    count: () => registryCount(store, place),
    pages: () => registryPages(store, place),
    cannot: (verb) => `Cannot ${verb} ${kind} jobs of queue "${queue}"`,
  };
}

async function* jobsOf(
  registry: JobRegistry,
  filter: () => Promise<JobMatcher>,
  newestFirst: boolean,
): AsyncGenerator<Job> {
  const source = sourceOf(registry);
  const { context, place } = source;
  const matcher = await filter();
  const walk = { newestFirst, pageSize: JOBS_PAGE };
  for await (const page of registryPages(context.store, place, walk)) {
    const candidates = await candidatesOf(context.store, source, page);
    const meant = await matcher.choose(context.store, candidates);
    for (const { record } of meant) {
      yield newJob(record.id, context, () => record);
    }
  }
}

function checkCount(count: number, what: string): void {
  if (Number.isSafeInteger(count) && count >= 0) return;
  throw new RangeError(
    `${what} is ${count}, expected a whole number from 0 on`,
  );
}
