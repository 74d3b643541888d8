/**
 * Keeps jobs from Redis while a test runs.
 *
 * @module
 */

import { AssertionError } from "node:assert";
import { JobFailedError } from "../base/errors.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import { describeCall } from "../job/description.ts";
import { headlineOf } from "../job/failure.ts";
import { decodeFailure } from "../job/result_codec.ts";
import type { JobFunction, StartOf, StoredArgs } from "../job/stored.ts";
import { type Job, newJob } from "../queue/job.ts";
import { queueOf } from "../queue/job_function.ts";
import { Queue } from "../queue/queue.ts";
import { setStandIn, type StandIn } from "../queue/stand_in.ts";
import { type EnqueuedOptions, ExpectedJob } from "./expected_job.ts";
import { MemoryContext } from "./memory_context.ts";
import type { MemoryJob } from "./memory_job.ts";
import { MemoryStore } from "./memory_store.ts";
import { runStored } from "./run_stored.ts";

/** Whose jobs are captured: a queue, or a function that was made by `job()`, which stands for its queue. */
export type Capturable = Queue | JobFunction;

/** Options of {@linkcode Captured.drain}. */
export interface DrainOptions {
  /**
   * Also runs the jobs that were enqueued for later, as if their time had come.
   *
   * @default false
   */
  readonly scheduled?: boolean;
}

const MAY_BE_EXPECTED = {
  kwargs: true,
  queue: true,
  at: true,
  in: true,
} as const;
const NOT_EXPECTED = optionNames<Omit<EnqueuedOptions, "times">>(
  MAY_BE_EXPECTED,
);
const EXPECTED = optionNames<EnqueuedOptions>({
  ...MAY_BE_EXPECTED,
  times: true,
});
const DRAIN = optionNames<DrainOptions>({ scheduled: true });

/** What was captured; see {@linkcode capture}. */
export interface Captured extends Disposable {
  /** All jobs that were enqueued, in their order; also those that have run since, with their results. */
  readonly jobs: readonly Job[];
  /**
   * Asserts that a job was enqueued.
   *
   * @param func Its function, named in any way.
   * @param args Its positional arguments. If there are none here, they do not matter.
   * @returns The job; the last one if there are several.
   * @throws {AssertionError} If there is none; it lists what there is.
   */
  assertEnqueued<F extends JobFunction>(
    func: F | string | URL,
    args?: StartOf<StoredArgs<F>>,
    options?: EnqueuedOptions,
  ): Job;
  /**
   * Asserts that no such job was enqueued.
   *
   * @throws {AssertionError} If there is one.
   */
  assertNotEnqueued<F extends JobFunction>(
    func: F | string | URL,
    args?: StartOf<StoredArgs<F>>,
    options?: Omit<EnqueuedOptions, "times">,
  ): void;
  /**
   * Runs the jobs that are queued, and those that they enqueue, one after the other in this process, until none is left.
   * Each runs once: it is neither retried nor repeated. Jobs that wait for others run after them.
   *
   * @returns How many have run.
   * @throws {JobFailedError} If one has failed, after all have run; `cause` is what its function threw.
   * @throws {AggregateError} If several have failed.
   */
  drain(options?: DrainOptions): Promise<number>;
  /** Forgets what was captured, and goes on. */
  clear(): void;
}

/** The captures that are on, the latest one last. */
const active: Capture[] = [];

/**
 * Keeps what is enqueued in memory, and away from Redis, until it is disposed of: of some queues, or of all queues of the
 * process if none is named; then `Job.fetch()` and others that take a job's id find what was captured. Calls are checked as ever, and jobs can be looked at as ever. Limits, turns and groups hold
 * nothing back here, and webhooks are not sent.
 *
 * @example
 * ```ts ignore
 * import { capture } from "@deno-rq/rq/testing";
 *
 * Deno.test("signing up sends a welcome", async () => {
 *   using captured = capture();
 *   await signUp("a@b.c");
 *   captured.assertEnqueued(send, ["a@b.c"]);
 *   await captured.drain(); // runs it here
 * });
 * ```
 */
export function capture(...whose: readonly Capturable[]): Captured {
  const queues = whose.map((item) => {
    const queue = typeof item === "function" ? queueOf(item) : item;
    if (queue instanceof Queue) return queue;
    throw new TypeError(
      `Cannot capture ${
        typeof item === "function" ? item.name || "a function" : typeof item
      }: expected a Queue, or a function that job() has made`,
    );
  });
  const made = new Capture(queues.length === 0 ? undefined : new Set(queues));
  active.push(made);
  setStandIn(STAND_IN);
  return made;
}

const STAND_IN: StandIn = {
  ofQueue: (queue, { bigInts }) =>
    active.findLast((one) => one.covers(queue))?.context(bigInts),
  // Whose job it is, is not known.
  ofJobs: (bigInts) =>
    active.findLast(({ isOfAll }) => isOfAll)?.context(bigInts),
};

class Capture implements Captured {
  readonly #queues: ReadonlySet<object> | undefined;
  #store = new MemoryStore();
  readonly #contexts = new Map<boolean, MemoryContext>();

  constructor(queues: ReadonlySet<object> | undefined) {
    this.#queues = queues;
  }

  get isOfAll(): boolean {
    return this.#queues === undefined;
  }

  covers(queue: object): boolean {
    return this.#queues?.has(queue) ?? true;
  }

  /** The context of the queues that read BigInts, or of those that do not. */
  context(bigInts: boolean): MemoryContext {
    const known = this.#contexts.get(bigInts);
    const context = known ?? new MemoryContext(this.#store, bigInts);
    this.#contexts.set(bigInts, context);
    return context;
  }

  get jobs(): readonly Job[] {
    return this.#store.all.map((job) => this.#jobOf(job));
  }

  assertEnqueued<F extends JobFunction>(
    func: F | string | URL,
    args?: StartOf<StoredArgs<F>>,
    options: EnqueuedOptions = {},
  ): Job {
    refuseUnknown(options, EXPECTED, "Cannot assert that a job was enqueued");
    if (options.times !== undefined) checkTimes(options.times);
    const expected = new ExpectedJob(func, args, options);
    const found = this.#found(expected);
    const last = found.at(-1);
    const { times = Math.max(1, found.length) } = options;
    if (last !== undefined && found.length === times) return this.#jobOf(last);
    const wanted = options.times === undefined ? "" : `, ${times} times`;
    throw new AssertionError({
      message:
        `Expected that ${expected} is enqueued${wanted}; there ${this.#listed()}`,
      stackStartFn: this.assertEnqueued,
    });
  }

  assertNotEnqueued<F extends JobFunction>(
    func: F | string | URL,
    args?: StartOf<StoredArgs<F>>,
    options: Omit<EnqueuedOptions, "times"> = {},
  ): void {
    refuseUnknown(options, NOT_EXPECTED, "Cannot assert about enqueued jobs");
    const expected = new ExpectedJob(func, args, options);
    if (this.#found(expected).length === 0) return;
    throw new AssertionError({
      message:
        `Expected that ${expected} is not enqueued; there ${this.#listed()}`,
      stackStartFn: this.assertNotEnqueued,
    });
  }

  async drain(options: DrainOptions = {}): Promise<number> {
    refuseUnknown(options, DRAIN, "Cannot drain what was captured");
    const { scheduled = false } = options;
    const failed: JobFailedError[] = [];
    let count = 0;
    for (;;) {
      const job = this.#store.take();
      if (job !== undefined) {
        await runStored(this.#own, job);
        count++;
        if (job.status === "failed") failed.push(errorOf(job));
      } else if (!scheduled || !this.#store.promote()) break;
    }
    if (failed.length === 1) throw failed[0];
    if (failed.length === 0) return count;
    throw new AggregateError(failed, `${failed.length} jobs have failed`);
  }

  clear(): void {
    this.#store = new MemoryStore();
    this.#contexts.clear();
  }

  [Symbol.dispose](): void {
    const at = active.indexOf(this);
    if (at >= 0) active.splice(at, 1);
    if (active.length === 0) setStandIn(undefined);
  }

  /** The context of the jobs themselves: they read BigInts if one of the queues does. */
  get #own(): MemoryContext {
    return this.context(this.#contexts.has(true));
  }

  #found(expected: ExpectedJob): MemoryJob[] {
    return this.#store.all.filter((job) => expected.is(job));
  }

  #jobOf({ id, record }: MemoryJob): Job {
    return newJob(id, this.#own, () => record);
  }

  #listed(): string {
    const all = this.#store.all.map(({ record, origin, due }) => {
      const { funcName, args, kwargs } = record.call;
      const call = describeCall(funcName, args, kwargs);
      const at = due === undefined ? "" : ` at ${new Date(due).toISOString()}`;
      return `\n  ${call} on "${origin}"${at}`;
    });
    return all.length === 0 ? "is nothing" : `are${all.join("")}`;
  }
}

function errorOf({ id, record, state, thrown }: MemoryJob): JobFailedError {
  const excInfo = decodeFailure(state.latest!);
  const message = `Job "${id}", ${record.description}, failed: ${
    headlineOf(excInfo)
  }`;
  return new JobFailedError(message, { jobId: id, excInfo, cause: thrown });
}

function checkTimes(times: number): void {
  if (Number.isSafeInteger(times) && times > 0) return;
  throw new RangeError(
    `times is ${times}, expected a whole number from 1 on; assertNotEnqueued() asserts that there is none`,
  );
}
