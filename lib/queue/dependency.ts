/**
 * The jobs that a job waits for.
 *
 * @module
 */

import { optionNames, refuseUnknown } from "../base/options.ts";
import { checkJobId } from "../job/names.ts";
import { Job } from "./job.ts";

/** A job or its id. */
export type JobOrId = Job | string;

/** Options of {@linkcode dependency}. */
export interface DependencyOptions {
  /**
   * Run even if they fail.
   *
   * @default false
   */
  readonly allowFailure?: boolean;
  /**
   * Go to the head of the queue once they have ended.
   *
   * @default false
   */
  readonly atFront?: boolean;
}

const OPTIONS = optionNames<DependencyOptions>({
  allowFailure: true,
  atFront: true,
});

/** Jobs to wait for, and how. Created by {@linkcode dependency}. */
export class Dependency {
  /** Ids of the jobs to wait for. */
  readonly jobIds: readonly string[];
  /** Whether to run even if they fail. */
  readonly allowFailure: boolean;
  /** Whether to go to the head of the queue once they have ended. */
  readonly atFront: boolean;

  /** Use {@linkcode dependency}. */
  constructor(jobs: JobOrId | readonly JobOrId[], options: DependencyOptions) {
    this.jobIds = idsOf(jobs);
    this.allowFailure = options.allowFailure ?? false;
    this.atFront = options.atFront ?? false;
  }
}

/** What `dependsOn` takes. */
export type DependsOn =
  | JobOrId
  | Dependency
  | readonly (JobOrId | Dependency)[];

/**
 * Jobs to wait for, with options.
 *
 * @example
 * ```ts ignore
 * await queue.enqueueCall({
 *   func: "jobs.report.clean",
 *   dependsOn: dependency([first, second], { allowFailure: true }),
 * });
 * ```
 */
export function dependency(
  jobs: JobOrId | readonly JobOrId[],
  options: DependencyOptions = {},
): Dependency {
  refuseUnknown(options, OPTIONS, "Cannot depend on jobs");
  return new Dependency(jobs, options);
}

const NONE = new Dependency([], {});

/** Merges everything in `dependsOn` into one dependency. As in RQ, one that allows failure allows it for all. */
export function mergeDependencies(
  dependsOn: DependsOn | undefined,
): Dependency {
  if (dependsOn === undefined) return NONE;
  const items = isList(dependsOn) ? dependsOn : [dependsOn];
  const all = items.map((item) =>
    item instanceof Dependency ? item : new Dependency(item, {})
  );
  return new Dependency([...new Set(all.flatMap(({ jobIds }) => jobIds))], {
    allowFailure: all.some(({ allowFailure }) => allowFailure),
    atFront: all.some(({ atFront }) => atFront),
  });
}

function idsOf(jobs: JobOrId | readonly JobOrId[]): string[] {
  return (isList(jobs) ? jobs : [jobs]).map((job) => {
    if (job instanceof Job) return job.id;
    if (typeof job === "string") return checkJobId(job);
    throw new TypeError(
      `Cannot depend on ${
        job === null ? "null" : typeof job
      }: expected a job, its id, or dependency(…)`,
    );
  });
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
