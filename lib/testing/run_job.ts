/**
 * Runs one function as a job.
 *
 * @module
 */

import { type Duration, parseDuration } from "../base/duration.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import { positional } from "../job/call_options.ts";
import { decodeJson, encodeJson } from "../job/json.ts";
import { checkJobId, checkQueueName } from "../job/names.ts";
import { DEFAULT_TIMEOUT } from "../job/options.ts";
import type { JobProgress } from "../job/record.ts";
import type {
  JobFunction,
  StartOf,
  StoredArgs,
  StoredResultOf,
} from "../job/stored.ts";
import { callNames, type FuncSource } from "../queue/func_name.ts";
import { type Job, newJob } from "../queue/job.ts";
import type { LoadedFunction } from "../runner/child_job.ts";
import type { RunRequest } from "../runner/runner.ts";
import { MemoryCalls } from "./calls.ts";
import { MemoryContext } from "./memory_context.ts";
import { MemoryJob } from "./memory_job.ts";
import { MemoryStore } from "./memory_store.ts";
import { runHere, type Target } from "./run_here.ts";
import { targetOf } from "./run_stored.ts";

/** Options of {@linkcode runJob}: what the job's code sees of its job. */
export interface RunJobOptions {
  /** Keyword arguments. @default {} */
  readonly kwargs?: Readonly<Record<string, unknown>>;
  /** Its `meta` at the start. @default {} */
  readonly meta?: Readonly<Record<string, unknown>>;
  /** Which attempt it is. @default 1 */
  readonly attempt?: number;
  /** Its longest run. @default 180 */
  readonly timeout?: Duration;
  /** Its id. @default a random UUID */
  readonly jobId?: string;
  /** The name of its queue. @default "default" */
  readonly queue?: string;
  /** Whether BigInts can be stored. @default false */
  readonly bigInts?: boolean;
  /**
   * The signals that `currentJob.waitFor()` gets, by their names. A wait for another one is over at once if it has a `timeout`,
   * and an error if it has none. Sleeps take no time.
   *
   * @default {}
   */
  readonly signals?: Readonly<Record<string, unknown>>;
}

const OPTIONS = optionNames<RunJobOptions>({
  kwargs: true,
  meta: true,
  attempt: true,
  timeout: true,
  jobId: true,
  queue: true,
  bigInts: true,
  signals: true,
});

/** What a job has done; see {@linkcode runJob}. */
export interface JobRun<R> {
  /** What it has returned, as it comes back from where it is stored. */
  readonly result: R;
  /** Its `meta` at the end. */
  readonly meta: Readonly<Record<string, unknown>>;
  /** The progress that it has reported last. */
  readonly progress: JobProgress | undefined;
  /** What it has yielded, if it is a generator. */
  readonly parts: readonly unknown[];
  /** The lines that it has logged. */
  readonly logs: readonly string[];
  /** The jobs that it has enqueued through `currentJob`. They have not run. */
  readonly enqueued: readonly Job[];
}

/**
 * Runs a function in this process as a worker would, with `currentJob`: arguments and result are stored and read. Any
 * function will do, also one that a worker would not find.
 *
 * @throws {unknown} What the function throws.
 * @throws {DOMException} `TimeoutError` if it takes longer than its `timeout`.
 *
 * @example
 * ```ts ignore
 * import { runJob } from "@deno-rq/rq/testing";
 *
 * const { result, meta, enqueued } = await runJob(importAll, [["a.csv", "b.csv"]]);
 * ```
 */
export function runJob<F extends JobFunction>(
  func: F | string | URL,
  args?: Readonly<StoredArgs<F>>,
  options?: RunJobOptions,
): Promise<JobRun<StoredResultOf<F>>>;
/** Runs a function that takes named arguments as its last. */
export function runJob<F extends JobFunction>(
  func: F | string | URL,
  args: StartOf<StoredArgs<F>>,
  options: RunJobOptions & Required<Pick<RunJobOptions, "kwargs">>,
): Promise<JobRun<StoredResultOf<F>>>;
export async function runJob<F extends JobFunction>(
  func: F | string | URL,
  args?: readonly unknown[],
  options: RunJobOptions = {},
): Promise<JobRun<StoredResultOf<F>>> {
  refuseUnknown(options, OPTIONS, "Cannot run a job");
  const bigInts = options.bigInts ?? false;
  const name = await nameOf(func);
  const request = requestOf(name ?? labelOf(func), args ?? [], options);
  const target = name === undefined
    ? alone(func as LoadedFunction)
    : await targetOf(request);
  const context = new MemoryContext(new MemoryStore(), bigInts);
  const job = memoryJob(request);
  const calls = new MemoryCalls(job, context, target, options.signals);
  const outcome = await runHere(request, target, calls);
  await calls.settled();
  if (outcome.type === "failure") throw outcome.thrown;
  const { result } = outcome;
  return {
    result: (result === "" ? undefined : decodeJson(result)) as StoredResultOf<
      F
    >,
    meta: job.record.meta,
    progress: job.record.progress ?? undefined,
    parts: calls.parts.map((part) => decodeJson(part)),
    logs: calls.logged,
    enqueued: context.store.all.map(({ id, record }) =>
      newJob(id, context, () => record)
    ),
  };
}

/** The name by which a worker finds a function; `undefined` for a function that none would find. */
async function nameOf(func: FuncSource): Promise<string | undefined> {
  try {
    return (await callNames(func, [])).func;
  } catch (error) {
    if (typeof func !== "function" || !(error instanceof TypeError)) {
      throw error;
    }
    return undefined;
  }
}

function labelOf(func: FuncSource): string {
  return (func as { name?: string }).name || "anonymous";
}

function alone(func: LoadedFunction): Target {
  return { func, owner: undefined, module: {}, exportName: labelOf(func) };
}

function requestOf(
  funcName: string,
  args: readonly unknown[],
  options: RunJobOptions,
): RunRequest {
  const { kwargs = {}, meta = {}, attempt = 1, bigInts = false } = options;
  const { timeout = DEFAULT_TIMEOUT, jobId, queue = "default" } = options;
  const stored = (value: unknown, label: string) =>
    decodeJson(encodeJson(value, label, { bigInts }));
  const isFollowed = Object.keys(kwargs).length > 0;
  return {
    jobId: jobId === undefined ? crypto.randomUUID() : checkJobId(jobId),
    executionId: crypto.randomUUID(),
    attempt,
    origin: checkQueueName(queue),
    funcName,
    args: stored(positional(args, isFollowed), "args") as unknown[],
    kwargs: stored(kwargs, "kwargs") as Record<string, unknown>,
    meta: stored(meta, "meta") as Record<string, unknown>,
    timeout: parseDuration(timeout, "timeout", { unlimited: true }),
    ...(bigInts ? { bigInts } : {}),
  };
}

/** What its calls change. */
function memoryJob({ jobId, origin, funcName, meta }: RunRequest): MemoryJob {
  return new MemoryJob({
    id: jobId,
    isIdNew: true,
    queue: origin,
    atFront: false,
    due: undefined,
    fields: new Map([
      ["data", JSON.stringify([funcName, null, [], {}])],
      ["meta", encodeJson(meta, "meta", { bigInts: true })],
    ]),
  });
}
