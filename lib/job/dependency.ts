/**
 * The jobs that a job waits for. A job's process loads this too, so it imports no package.
 *
 * @module
 */

import { optionNames, unknownOption } from "../base/option_names.ts";
import type { JobField } from "./fields.ts";
import { checkJobId } from "./names.ts";

/** A job or its id. */
export type JobOrId = string | { readonly id: string };

/**
 * What becomes of a job if one that it waits for fails, is stopped, canceled or deleted: it stays deferred until that one
 * is requeued and succeeds (`wait`); it fails, or is canceled, at once; or it no longer waits for it (`run`).
 */
export type IfParentFails = "wait" | "fail" | "cancel" | "run";

/** Options of {@linkcode dependency}. */
export interface DependencyOptions {
  /**
   * What becomes of the job if one of them fails and is not tried again, is stopped, canceled or deleted.
   *
   * @default "wait"
   */
  readonly ifParentFails?: IfParentFails;
  /**
   * RQ's name for `ifParentFails: "run"`.
   *
   * @default false
   */
  readonly allowFailure?: boolean;
  /**
   * Gives their results to the job's function, as arguments behind its own ones and before named ones, in their order.
   * What is not there, since one has failed or its result has expired, is `null`. Only Deno's workers do this.
   *
   * @default false
   */
  readonly passResults?: boolean;
  /**
   * Go to the head of the queue once they have ended.
   *
   * @default false
   */
  readonly atFront?: boolean;
}

const OPTIONS = optionNames<DependencyOptions>({
  ifParentFails: true,
  allowFailure: true,
  passResults: true,
  atFront: true,
});

const POLICIES: readonly IfParentFails[] = ["wait", "fail", "cancel", "run"];

/** Jobs to wait for, and how. Created by {@linkcode dependency}. */
export class Dependency {
  /** Ids of the jobs to wait for. */
  readonly jobIds: readonly string[];
  /** What becomes of the job if one of them fails. */
  readonly ifParentFails: IfParentFails;
  /** Whether the job's function gets their results. */
  readonly passResults: boolean;
  /** Whether to go to the head of the queue once they have ended. */
  readonly atFront: boolean;

  /** Use {@linkcode dependency}. */
  constructor(
    jobs: JobOrId | readonly JobOrId[],
    options: DependencyOptions = {},
  ) {
    this.jobIds = idsOf(jobs);
    this.ifParentFails = policyOf(options);
    this.passResults = flag(options, "passResults");
    this.atFront = flag(options, "atFront");
  }
}

/** Jobs to wait for, whose results the job's function gets. */
export interface PassingDependency extends Dependency {
  /** That it gets their results. */
  readonly passResults: true;
}

/** A `dependsOn` with results for the job's function, as far as the compiler sees it: in a list the first or the last. */
export type PassingDependsOn =
  | PassingDependency
  | readonly [PassingDependency, ...(JobOrId | Dependency)[]]
  | readonly [...(JobOrId | Dependency)[], PassingDependency];

/** What `dependsOn` takes. */
export type DependsOn =
  | JobOrId
  | Dependency
  | readonly (JobOrId | Dependency)[];

/**
 * Jobs to wait for, with options. `dependsOn` takes several of these, each with its own.
 *
 * @throws {RangeError | TypeError} It says what is wrong, and what it could be.
 *
 * @example
 * ```ts ignore
 * await queue.enqueueCall({
 *   func: "jobs.report.send",
 *   dependsOn: [
 *     dependency([first, second], { ifParentFails: "fail", passResults: true }),
 *     dependency(cleanUp, { ifParentFails: "run" }),
 *   ],
 * });
 * ```
 */
export function dependency(
  jobs: JobOrId | readonly JobOrId[],
  options: DependencyOptions & { readonly passResults: true },
): PassingDependency;
/** Jobs to wait for, with options that pass no results. */
export function dependency(
  jobs: JobOrId | readonly JobOrId[],
  options?: DependencyOptions,
): Dependency;
export function dependency(
  jobs: JobOrId | readonly JobOrId[],
  options: DependencyOptions = {},
): Dependency {
  const unknown = unknownOption(options, OPTIONS, "Cannot depend on jobs");
  if (unknown !== undefined) {
    throw new TypeError(
      `Cannot depend on jobs: there is no option "${unknown}", there are ${
        [...OPTIONS].join(", ")
      }`,
    );
  }
  return new Dependency(jobs, options);
}

/** Everything that a job waits for. */
export interface Edges {
  /** The parents' ids and policies, in their order. */
  readonly policies: ReadonlyMap<string, IfParentFails>;
  /** The ids of those whose results are passed. */
  readonly passed: readonly string[];
  /** Whether the job goes to the head of its queue. */
  readonly atFront: boolean;
}

const NO_EDGES: Edges = { policies: new Map(), passed: [], atFront: false };

/**
 * Merges everything in `dependsOn`.
 *
 * @throws {RangeError | TypeError} If something in it is no job, or one is there twice with different policies.
 */
export function edgesOf(dependsOn: DependsOn | undefined): Edges {
  if (dependsOn === undefined) return NO_EDGES;
  const policies = new Map<string, IfParentFails>();
  const passed = new Set<string>();
  let atFront = false;
  for (const item of isList(dependsOn) ? dependsOn : [dependsOn]) {
    const one = item instanceof Dependency ? item : new Dependency(item);
    atFront ||= one.atFront;
    for (const id of one.jobIds) {
      const before = policies.get(id) ?? one.ifParentFails;
      if (before !== one.ifParentFails) {
        throw new TypeError(
          `Cannot depend on job "${id}" twice: with ifParentFails "${before}" and "${one.ifParentFails}"`,
        );
      }
      policies.set(id, before);
      if (one.passResults) passed.add(id);
    }
  }
  return { policies, passed: [...passed], atFront };
}

/**
 * What is stored of a job's edges. RQ has one flag for all of them, `allow_dependency_failures`; it is set only if it is
 * true of each, so that Python's workers never run what should not be. Where they leave a job deferred that should run or
 * end, a sweep of ours finds it.
 */
export function edgeFields(
  { policies, passed }: Edges,
): [JobField, string | number][] {
  if (policies.size === 0) return [];
  const ids = [...policies.keys()];
  const fields: [JobField, string | number][] = [
    ["dependency_id", ids[0]!],
    ["dependency_ids", JSON.stringify(ids)],
  ];
  const all = [...policies.values()];
  const [usual = "wait"] = POLICIES.toSorted((a, b) =>
    all.filter((it) => it === b).length - all.filter((it) => it === a).length
  );
  const stored = [...policies].filter(([, policy]) => policy !== usual);
  if (usual !== "wait" || stored.length > 0) {
    const object = Object.fromEntries([...stored, ["*", usual]]);
    fields.push(["x_if_parent_fails", JSON.stringify(object)]);
  }
  if (usual === "run" && stored.length === 0) {
    fields.push(["allow_dependency_failures", 1]);
  }
  if (passed.length > 0) {
    fields.push(["x_pass_results", JSON.stringify(passed)]);
  }
  return fields;
}

function idsOf(jobs: JobOrId | readonly JobOrId[]): string[] {
  return (isList(jobs) ? jobs : [jobs]).map((job) => {
    if (typeof job === "string") return checkJobId(job);
    if (typeof job === "object" && job !== null && "id" in job) {
      return checkJobId(job.id);
    }
    throw new TypeError(
      `Cannot depend on ${
        job === null ? "null" : `a value of type ${typeof job}`
      }: expected a job, its id, or dependency(…)`,
    );
  });
}

function policyOf(options: DependencyOptions): IfParentFails {
  const allowed = flag(options, "allowFailure");
  const { ifParentFails = allowed ? "run" : "wait" } = options;
  if (!POLICIES.includes(ifParentFails)) {
    throw new RangeError(
      `Cannot use ifParentFails ${
        JSON.stringify(ifParentFails) ?? typeof ifParentFails
      }: expected ${POLICIES.map((it) => `"${it}"`).join(", ")}`,
    );
  }
  if (allowed && ifParentFails !== "run") {
    throw new TypeError(
      `Cannot use ifParentFails "${ifParentFails}" with allowFailure, which means "run"`,
    );
  }
  return ifParentFails;
}

function flag(
  options: DependencyOptions,
  name: "allowFailure" | "passResults" | "atFront",
): boolean {
  const value = options[name] ?? false;
  if (typeof value === "boolean") return value;
  throw new TypeError(
    `Cannot use ${name} of a dependency: expected true or false, got ${typeof value}`,
  );
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
