/**
 * The `Queue` of the public API.
 *
 * @module
 */

import type { Duration } from "../base/duration.ts";
import { checkQueueName } from "../job/names.ts";
import { JobRecord } from "../job/record.ts";
import type { JobFunction, StoredArgs, StoredResultOf } from "../job/stored.ts";
import type { NewJob } from "../store/new_job.ts";
import { Context, queueNames } from "./context.ts";
import {
  enqueueJob,
  type EnqueueJobOptions,
  keepDraft,
} from "./created_job.ts";
import {
  checkCall,
  type EnqueueCall,
  type EnqueueCalls,
  heedContract,
  type JobsOf,
  withRateLimit,
} from "./enqueue_call.ts";
import { enqueueThrough } from "./enqueue_middleware.ts";
import { enqueueMany } from "./enqueue_many.ts";
import { type CallNames, callNames } from "./func_name.ts";
import { type Job, newJob } from "./job.ts";
import { newJobOf, type NewState, recordOf } from "./new_job.ts";
import { notAsyncContext } from "./not_async.ts";
import {
  type CheckedQueueOptions,
  checkQueueOptions,
  type QueueOptions,
} from "./queue_options.ts";
import { contextOf, shareContext, StoredQueue } from "./stored_queue.ts";

/**
 * A queue of jobs in Redis.
 *
 * @example
 * ```ts ignore
 * import { Queue } from "@deno-rq/rq";
 * import { hello } from "./rq_test.ts";
 *
 * await using queue = new Queue("low");
 * const job = await queue.enqueue(hello, "yangyi");
 * console.log(await job.wait({ timeout: 10 }));
 * ```
 */
export class Queue extends StoredQueue {
  readonly #options: CheckedQueueOptions;

  /**
   * Creates a queue. It connects on its first call.
   *
   * @param name Any text without control characters.
   * @throws {RangeError | TypeError} If the name or an option is invalid.
   */
  constructor(name = "default", options: QueueOptions = {}) {
    const action = `Cannot make queue "${name}"`;
    const checked = checkQueueOptions(options, checkQueueName(name), action);
    super(
      name,
      options.isAsync ?? true
        ? new Context(options)
        : notAsyncContext(action, options.bigInts ?? false),
    );
    this.#options = checked;
  }

  /** All queues that have ever been used. They share one connection, which each of them can close. */
  static async all(options: QueueOptions = {}): Promise<Queue[]> {
    checkQueueOptions(options, "default", "Cannot list queues");
    const context = new Context(options);
    const names = await queueNames(context);
    return names.map((name) => {
      const connection = context.client;
      const queue = new Queue(name, { ...options, connection });
      shareContext(queue, context);
      return queue;
    });
  }

  /**
   * Enqueues a call. Once this has resolved, the job is never lost.
   *
   * Arguments and the result are stored as JSON; their types say what they become. For trailing
   * `undefined` arguments the function's defaults apply.
   *
   * @throws {TypeError} If the function cannot be named or JSON cannot represent an argument. Nothing is stored then.
   */
  enqueue<F extends JobFunction>(
    func: F | string | URL,
    ...args: StoredArgs<F>
  ): Promise<Job<StoredResultOf<F>>> {
    return this.#enqueue({ func, args });
  }

  /**
   * Enqueues a call, with options.
   *
   * @throws {RangeError | TypeError} It names the option that is wrong. Nothing is stored then.
   * @throws {DuplicateJobError} If a job with this `jobId` exists and has not ended, or another one holds the `unique` key.
   */
  enqueueCall<F extends JobFunction>(
    call: EnqueueCall<F>,
  ): Promise<Job<StoredResultOf<F>>> {
    return this.#enqueue(call);
  }

  /**
   * Enqueues a call that runs no sooner than at a time; the short form of `enqueueCall({ at })`.
   *
   * @throws {RangeError | TypeError} As {@linkcode Queue.enqueue}, and if the date is invalid.
   *
   * @example
   * ```ts ignore
   * await queue.enqueueAt(new Date("2027-01-01T00:00:00Z"), greet, "new year");
   * ```
   */
  enqueueAt<F extends JobFunction>(
    date: Date,
    func: F | string | URL,
    ...args: StoredArgs<F>
  ): Promise<Job<StoredResultOf<F>>> {
    return this.#enqueue({ func, args, at: date });
  }

  /**
   * Enqueues a call that runs no sooner than after a time; the short form of `enqueueCall({ in })`.
   *
   * @throws {RangeError | TypeError} As {@linkcode Queue.enqueue}, and if the delay is no duration.
   *
   * @example
   * ```ts ignore
   * await queue.enqueueIn("5m", remind, "a@b.c");
   * ```
   */
  enqueueIn<F extends JobFunction>(
    delay: Duration,
    func: F | string | URL,
    ...args: StoredArgs<F>
  ): Promise<Job<StoredResultOf<F>>> {
    return this.#enqueue({ func, args, in: delay });
  }

  #enqueue<R>(call: EnqueueCall): Promise<Job<R>> {
    const { middleware } = this.#options;
    if (middleware === undefined) return this.#enqueueOne(call);
    const enqueue = (calls: readonly EnqueueCall[]) => this.#enqueueAll(calls);
    return enqueueThrough(middleware, [call], enqueue)
      .then(([job]) => job as Job<R>);
  }

  async #enqueueOne<R>(call: EnqueueCall): Promise<Job<R>> {
    const prepared = this.#prepare(call);
    const job = prepared instanceof Promise ? await prepared : prepared;
    const enqueued = await contextOf(this).store.enqueue(job);
    return enqueued.existing === undefined
      ? this.#jobOf(job, enqueued)
      : await this.#existing(enqueued.existing);
  }

  /**
   * Enqueues many calls, in their order, a thousand per round trip. All are checked
   * before the first is stored.
   *
   * @throws {AggregateError} If some were refused, such as a `jobId` that is taken; the others are enqueued.
   */
  async enqueueMany<const C extends readonly EnqueueCall[]>(
    calls: EnqueueCalls<C>,
  ): Promise<JobsOf<C>> {
    const { middleware } = this.#options;
    const enqueue = (calls: readonly EnqueueCall[]) => this.#enqueueMany(calls);
    const jobs = middleware === undefined
      ? await enqueue(calls)
      : await enqueueThrough(middleware, calls, enqueue);
    return jobs as unknown as JobsOf<C>;
  }

  /** As many as there are, with the error of its own for a single one. */
  async #enqueueAll(calls: readonly EnqueueCall[]): Promise<Job[]> {
    const [call, ...others] = calls;
    return call !== undefined && others.length === 0
      ? [await this.#enqueueOne(call)]
      : await this.#enqueueMany(calls);
  }

  async #enqueueMany(calls: readonly EnqueueCall[]): Promise<Job[]> {
    return await enqueueMany(
      contextOf(this).store,
      await this.#prepareAll(calls),
      {
        jobOf: (job, enqueued) => this.#jobOf(job, enqueued),
        existing: (id) => this.#existing(id),
      },
    );
  }

  /**
   * Makes a job without storing it or putting it on the queue. {@linkcode Job.save} stores it, with the status `created`;
   * {@linkcode Queue.enqueueJob} enqueues it.
   *
   * @throws {RangeError | TypeError} As {@linkcode Queue.enqueueCall}.
   *
   * @example
   * ```ts ignore
   * const job = await queue.createJob({ func: send, args: ["a@b.c"], in: "1h" });
   * await job.save(); // others can see it, and enqueue it
   * await queue.enqueueJob(job); // once; the hour begins now
   * ```
   */
  async createJob<F extends JobFunction>(
    call: EnqueueCall<F>,
  ): Promise<Job<StoredResultOf<F>>> {
    const draft = await this.#prepare(call);
    const job = this.#jobOf<StoredResultOf<F>>(draft, {
      status: "created",
      enqueuedAt: "",
    });
    keepDraft(job, draft);
    return job;
  }

  /**
   * Enqueues a job that was created before, here or by Python. It is saved first. Its options hold as if it were enqueued
   * only now. However often this is tried, also by others at the same time, the job is enqueued once.
   *
   * @returns The same job, or the one that holds its `unique` key, if that is to be skipped or put off; then it stays created.
   * @throws {DuplicateJobError} If another job holds its `unique` key.
   * @throws {InvalidJobOperationError} If it has been enqueued, or canceled.
   * @throws {NoSuchJobError} If it was deleted.
   */
  async enqueueJob<R>(
    job: Job<R>,
    options: EnqueueJobOptions = {},
  ): Promise<Job<R>> {
    const existing = await enqueueJob(contextOf(this).store, job, {
      ...options,
      queue: this.name,
      timeout: this.#options.defaultTimeout,
    });
    return existing === undefined ? job : await this.#existing(existing);
  }

  async #prepareAll(calls: readonly EnqueueCall[]): Promise<NewJob[]> {
    const prepared = calls.map((call) => {
      try {
        return this.#prepare(call);
      } catch (error) {
        return Promise.reject(error);
      }
    });
    const waits = prepared.some((job) => job instanceof Promise);
    return waits ? await Promise.all(prepared) : prepared as NewJob[];
  }

  /**
   * Checks a call and encodes what will be stored; stores nothing. It returns a
   * promise only if a function's name has to be looked up, or it has a contract.
   */
  #prepare(call: EnqueueCall): NewJob | Promise<NewJob> {
    const checked = withRateLimit(
      checkCall(call, this.#options.defaultTimeout, contextOf(this)),
      this.#options.rateLimit,
    );
    const names = callNames(call.func, checked.options.callbacks);
    const heeding = heedContract(call.func, checked);
    const make = (named: CallNames) =>
      newJobOf(checked, named, this.name, this.#options);
    if (heeding !== undefined) {
      return Promise.all([names, heeding]).then(([named]) => make(named));
    }
    return names instanceof Promise ? names.then(make) : make(names);
  }

  #jobOf<R>(job: NewJob, state: NewState): Job<R> {
    const read = () => state.record ?? recordOf(job, state);
    return newJob<R>(job.id, contextOf(this), read, { isNew: true });
  }

  /** A job that is there instead of a new one. It may be gone by now: then only its id is known. */
  async #existing<R>(id: string): Promise<Job<R>> {
    const record = await contextOf(this).store.fetch(id) ??
      new JobRecord(id, new Map());
    return newJob<R>(id, contextOf(this), () => record);
  }
}
