/**
 * The `Queue` of the public API.
 *
 * @module
 */

import type { Duration } from "../base/duration.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import { checkQueueName } from "../job/names.ts";
import { JobRecord } from "../job/record.ts";
import { checkTag } from "../job/tags.ts";
import type { JobFunction, StoredArgs, StoredResultOf } from "../job/stored.ts";
import type { Connection } from "../store/connection.ts";
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
  type JobsOf,
  withRateLimit,
} from "./enqueue_call.ts";
import { enqueueMany } from "./enqueue_many.ts";
import { callNames } from "./func_name.ts";
import { type Job, newJob } from "./job.ts";
import { jobsByTag } from "./jobs_by_tag.ts";
import { newJobOf, type NewState, recordOf } from "./new_job.ts";
import {
  type CheckedQueueOptions,
  checkQueueOptions,
  type QueueOptions,
} from "./queue_options.ts";

const DELETE_OPTIONS = optionNames<{ deleteJobs: true }>({ deleteJobs: true });

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
export class Queue implements AsyncDisposable {
  /** The queue's name. */
  readonly name: string;
  #context: Context;
  readonly #options: CheckedQueueOptions;

  /**
   * Creates a queue. It connects on its first call.
   *
   * @param name Any text without control characters.
   * @throws {RangeError | TypeError} If the name or an option is invalid.
   */
  constructor(name = "default", options: QueueOptions = {}) {
    this.name = checkQueueName(name);
    const action = `Cannot make queue "${name}"`;
    this.#options = checkQueueOptions(options, this.name, action);
    this.#context = new Context(options);
  }

  /** All queues that have ever been used. They share one connection, which each of them can close. */
  static async all(options: QueueOptions = {}): Promise<Queue[]> {
    checkQueueOptions(options, "default", "Cannot list queues");
    const context = new Context(options);
    const names = await queueNames(context);
    return names.map((name) => {
      const connection = context.client;
      const queue = new Queue(name, { ...options, connection });
      queue.#context = context;
      return queue;
    });
  }

  /** The connection, which other queues, jobs and workers can share. */
  get connection(): Connection {
    return this.#context.client;
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

  async #enqueue<R>(call: EnqueueCall): Promise<Job<R>> {
    const prepared = this.#prepare(call);
    const job = prepared instanceof Promise ? await prepared : prepared;
    const enqueued = await this.#context.store.enqueue(job);
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
    const jobs = await enqueueMany(
      this.#context.store,
      await this.#prepareAll(calls),
      {
        jobOf: (job, enqueued) => this.#jobOf(job, enqueued),
        existing: (id) => this.#existing(id),
      },
    );
    return jobs as JobsOf<C>;
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
    const existing = await enqueueJob(this.#context.store, job, {
      ...options,
      queue: this.name,
      timeout: this.#options.defaultTimeout,
    });
    return existing === undefined ? job : await this.#existing(existing);
  }

  /** How many jobs are waiting, those included that wait for the turn of their fair key. */
  count(): Promise<number> {
    return this.#context.store.count(this.name);
  }

  /** Whether no job is waiting. */
  async isEmpty(): Promise<boolean> {
    return await this.count() === 0;
  }

  /**
   * Ids of waiting jobs, the next one first; all of them by default. Those that wait for the turn of their fair key come
   * behind all others, in turns.
   */
  jobIds(offset = 0, length = -1): Promise<string[]> {
    return this.#context.store.jobIds(this.name, offset, length);
  }

  /** Waiting jobs, the next one first, without those that have expired meanwhile. */
  async jobs(offset = 0, length = -1): Promise<Job[]> {
    const ids = await this.jobIds(offset, length);
    const records = await Promise.all(
      ids.map((id) => this.#context.store.fetch(id)),
    );
    return records.filter((record) => record !== null)
      .map((record) => newJob(record.id, this.#context, () => record));
  }

  /** Fetches a job of this queue; `null` if there is none, or it belongs to another queue. */
  async fetchJob<R = unknown>(id: string): Promise<Job<R> | null> {
    const record = await this.#context.store.fetch(id);
    const mine = record !== null &&
      (record.text("origin") ?? this.name) === this.name;
    return mine ? newJob<R>(id, this.#context, () => record) : null;
  }

  /**
   * The jobs of this queue that were enqueued with a tag, in whatever state, in no particular order, each once. Jobs that
   * are enqueued meanwhile may be missing. They are read from Redis in pages.
   *
   * @example
   * ```ts ignore
   * for await (const job of queue.jobsByTag("customer-7")) await job.cancel();
   * ```
   */
  jobsByTag(tag: string): AsyncIterableIterator<Job> {
    return jobsByTag(this.#context, this.name, checkTag(tag));
  }

  /** Removes a job from the queue without deleting it, as in RQ; `false` if it was not waiting. */
  remove(job: Job | string): Promise<boolean> {
    const id = typeof job === "string" ? job : job.id;
    return this.#context.store.remove(this.name, id);
  }

  /** The id of the job that holds a unique key of this queue, or `null` if it is free. */
  uniqueHolder(key: string): Promise<string | null> {
    return this.#context.store.uniqueHolder(this.name, key);
  }

  /**
   * Frees a unique key of this queue, so that the next job can take it. The job that holds it stays as it is.
   *
   * @returns Whether a job held it.
   */
  freeUnique(key: string): Promise<boolean> {
    return this.#context.store.freeUnique(this.name, key);
  }

  /** Deletes every waiting job and returns how many. */
  empty(): Promise<number> {
    return this.#context.store.empty(this.name);
  }

  /** Deletes the queue, and its waiting jobs unless `deleteJobs` is `false`. */
  async delete(options: { readonly deleteJobs?: boolean } = {}): Promise<void> {
    refuseUnknown(
      options,
      DELETE_OPTIONS,
      `Cannot delete queue "${this.name}"`,
    );
    if (options.deleteJobs ?? true) await this.empty();
    await this.#context.store.deleteQueue(this.name);
  }

  /** Closes the connection, unless `connection` was an open one. */
  close(): Promise<void> {
    return this.#context.close();
  }

  /** The same as {@linkcode Queue.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
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
   * promise only if a function's name has to be looked up.
   */
  #prepare(call: EnqueueCall): NewJob | Promise<NewJob> {
    const checked = withRateLimit(
      checkCall(call, this.#options.defaultTimeout, this.#context),
      this.#options.rateLimit,
    );
    const names = callNames(call.func, checked.options.callbacks);
    return names instanceof Promise
      ? names.then((named) =>
        newJobOf(checked, named, this.name, this.#options)
      )
      : newJobOf(checked, names, this.name, this.#options);
  }

  #jobOf<R>(job: NewJob, state: NewState): Job<R> {
    const read = () => recordOf(job, state);
    return newJob<R>(job.id, this.#context, read, { isNew: true });
  }

  /** A job that is there instead of a new one. It may be gone by now: then only its id is known. */
  async #existing<R>(id: string): Promise<Job<R>> {
    const record = await this.#context.store.fetch(id) ??
      new JobRecord(id, new Map());
    return newJob<R>(id, this.#context, () => record);
  }
}
