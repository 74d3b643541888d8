/**
 * Jobs in memory, for tests without Redis.
 *
 * It knows what a producer does with single jobs: enqueueing, reading, waiting, canceling, deleting, requeueing. What it
 * does not know it would ask Redis for, and so it is refused by {@linkcode NoRedis}. Rejected: a Redis in memory with a Lua
 * interpreter, which would have to be right about everything that the scripts use, and would still not be Redis.
 *
 * @module
 */

import type { JobField } from "../job/fields.ts";
import type { JobRecord } from "../job/record.ts";
import type { StoredResult } from "../job/result_codec.ts";
import { hasEnded } from "../job/status.ts";
import type { RedisArg } from "../redis/redis_client.ts";
import type { CancelWishes, Change } from "../store/change_job.ts";
import { type Enqueued, enqueuedJob } from "../store/enqueuer.ts";
import {
  type AwaitedState,
  type JobState,
  JobStore,
} from "../store/job_store.ts";
import { Keys } from "../store/keys.ts";
import type { NewJob } from "../store/new_job.ts";
import { MemoryJob } from "./memory_job.ts";
import { holderOf, whatIfTaken } from "./memory_unique.ts";
import { NoRedis } from "./no_redis.ts";
import { type ParentEnd, verdictOf } from "./verdict.ts";

const GONE: JobState = { exists: false, status: null, latest: null };

/** Jobs in memory, in the order in which they were enqueued. */
export class MemoryStore extends JobStore {
  readonly #jobs = new Map<string, MemoryJob>();
  /** Those that wait for others. */
  readonly #deferred = new Set<MemoryJob>();
  /** The ids of those that are queued, the next one first, on whichever queue. */
  #queued: string[] = [];
  readonly #listeners = new Set<() => void>();
  /** Called for each job that has been enqueued, before that is reported. */
  readonly #onEnqueued: (store: MemoryStore) => Promise<void>;

  /** Empty at first. */
  constructor(onEnqueued: (store: MemoryStore) => Promise<void> = noop) {
    super(new NoRedis(), new Keys("rq:"));
    this.#onEnqueued = onEnqueued;
  }

  /** All jobs, in the order in which they were enqueued. */
  get all(): readonly MemoryJob[] {
    return [...this.#jobs.values()];
  }

  /** The job with an id. */
  get(id: string): MemoryJob | undefined {
    return this.#jobs.get(id);
  }

  /** Takes the next job from its queue, if there is one. */
  take(): MemoryJob | undefined {
    const id = this.#queued.shift();
    return id === undefined ? undefined : this.#jobs.get(id);
  }

  /** Queues the scheduled job that is due first, as if its time had come; `false` if there is none. */
  promote(): boolean {
    const [job] = this.all.filter(({ status }) => status === "scheduled")
      .sort((a, b) => a.due! - b.due!);
    if (job !== undefined) this.#ready(job);
    return job !== undefined;
  }

  /** Adds a job that a test cannot refuse, such as a callback. */
  add(job: NewJob): void {
    const stored = new MemoryJob(job);
    this.#jobs.set(job.id, stored);
    this.#queue(stored, job.atFront);
  }

  /** Lets the jobs that wait for one which has ended go on, or end with it. */
  ended(parent: MemoryJob, how: ParentEnd = parent.status): void {
    for (const child of this.#waitFor(parent.id)) {
      if (how === "enqueue") child.goesOnWithout.add(parent.id);
      this.#judge(child, { id: parent.id, how });
    }
    this.changed();
  }

  /** Wakes up everybody who waits for a change. */
  changed(): void {
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }

  /** Waits for the next change of any job. */
  async nextChange(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => reject(signal?.reason);
    signal?.addEventListener("abort", onAbort);
    this.#listeners.add(resolve);
    try {
      await promise;
    } finally {
      this.#listeners.delete(resolve);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Stores a job. */
  override async enqueue(job: NewJob): Promise<Enqueued> {
    const { id } = job;
    const before = this.#jobs.get(id);
    const isTaken = before !== undefined &&
      (!before.hasEnded || job.fields.get("x_unique_how") === "id");
    if (isTaken) {
      enqueuedJob({ outcome: "duplicate", status: before.status }, job);
    }
    const stored = new MemoryJob(job);
    for (const parent of stored.parents) {
      if (!this.#jobs.has(parent)) {
        enqueuedJob({ outcome: "unknown parent", parent }, job);
      }
    }
    const existing = this.#heedKey(job);
    if (existing !== undefined) {
      return enqueuedJob({ outcome: "skipped", id: existing }, job);
    }
    this.#jobs.delete(id); // the new one is the last
    this.#jobs.set(id, stored);
    if (job.atFront) stored.set({ enqueue_at_front: 1 });
    if (stored.parents.length > 0) {
      stored.set({ status: "deferred" });
      this.#deferred.add(stored);
      this.#judge(stored);
    } else this.#admit(stored);
    await this.#onEnqueued(this);
    const { record } = stored;
    return { status: "queued", enqueuedAt: "", record };
  }

  /** Stores jobs, one after the other. */
  override async enqueueMany(
    jobs: readonly NewJob[],
  ): Promise<PromiseSettledResult<Enqueued>[]> {
    const outcomes: PromiseSettledResult<Enqueued>[] = [];
    for (const job of jobs) {
      outcomes.push(...await Promise.allSettled([this.enqueue(job)]));
    }
    return outcomes;
  }

  /** The job with an id, or `null`. */
  override fetch(id: string): Promise<JobRecord | null> {
    return Promise.resolve(this.#jobs.get(id)?.record ?? null);
  }

  /** Its status and its result. */
  override state(id: string): Promise<JobState> {
    return Promise.resolve(this.#jobs.get(id)?.state ?? GONE);
  }

  /** The same. */
  override async await(id: string): Promise<AwaitedState> {
    return { ...await this.state(id), endsAfter: "0-0", inVain: null };
  }

  /** Its status. */
  override async status(id: string): Promise<string | null> {
    return (await this.state(id)).status;
  }

  /** Whether there is a job with an id. */
  override exists(id: string): Promise<boolean> {
    return Promise.resolve(this.#jobs.has(id));
  }

  /** Its result. */
  override async latestResult(id: string): Promise<StoredResult | null> {
    return (await this.state(id)).latest;
  }

  /** Writes fields of a job. */
  override setFields(
    id: string,
    fields: ReadonlyMap<JobField, RedisArg>,
  ): Promise<boolean> {
    const job = this.#jobs.get(id);
    job?.set(fields);
    return Promise.resolve(job !== undefined);
  }

  /** Cancels a job. */
  override cancel(
    id: string,
    { enqueueDependents = false }: CancelWishes = {},
  ): Promise<Change> {
    const job = this.#jobs.get(id);
    if (job === undefined) return Promise.resolve(refused(true, ""));
    if (job.status === "canceled") {
      return Promise.resolve(refused(false, "canceled"));
    }
    this.#leave(job);
    job.set({ status: "canceled" });
    this.ended(job, enqueueDependents ? "enqueue" : "canceled");
    return Promise.resolve(DONE);
  }

  /** Deletes a job; if wanted, those that wait for it, too. */
  override async delete(
    id: string,
    deleteDependents = false,
  ): Promise<boolean> {
    const job = this.#jobs.get(id);
    if (job === undefined) return false;
    this.#leave(job);
    this.#jobs.delete(id);
    if (!deleteDependents) this.ended(job, "deleted");
    else for (const child of this.#waitFor(id)) await this.delete(child.id);
    this.changed();
    return true;
  }

  /** Puts a failed job back. */
  override async requeue(id: string, atFront: boolean): Promise<Change> {
    const job = this.#jobs.get(id);
    if (job === undefined) return refused(true, "");
    if (job.status !== "failed") return refused(false, job.status);
    this.#queue(job, atFront);
    await this.#onEnqueued(this);
    return DONE;
  }

  /** The job that holds a unique key. */
  override uniqueHolder(queue: string, key: string): Promise<string | null> {
    return Promise.resolve(holderOf(this.all, queue, key)?.id ?? null);
  }

  /** Frees a unique key. */
  override freeUnique(queue: string, key: string): Promise<boolean> {
    const holder = holderOf(this.all, queue, key);
    holder?.set({ x_unique: "" });
    return Promise.resolve(holder !== undefined);
  }

  /** How many jobs are on a queue. */
  override count(queue: string): Promise<number> {
    return Promise.resolve(this.#on(queue).length);
  }

  /** The ids of those that are on a queue. */
  override jobIds(
    queue: string,
    offset: number,
    length: number,
  ): Promise<string[]> {
    const end = length < 0 ? undefined : offset + length;
    return Promise.resolve(this.#on(queue).slice(offset, end));
  }

  /** The same, in one page. */
  override async *jobIdPages(queue: string): AsyncGenerator<string[]> {
    yield await Promise.resolve(this.#on(queue));
  }

  /** Takes a job off its queue. */
  override remove(queue: string, id: string): Promise<boolean> {
    const is = this.#on(queue).includes(id);
    if (is) this.#takeOff(id);
    return Promise.resolve(is);
  }

  /** Deletes the jobs of a queue. */
  override async empty(queue: string): Promise<number> {
    const ids = this.#on(queue);
    for (const id of ids) await this.delete(id);
    return ids.length;
  }

  /** Forgets a queue, but not its jobs. */
  override deleteQueue(queue: string): Promise<void> {
    for (const id of this.#on(queue)) this.#takeOff(id);
    return Promise.resolve();
  }

  /** The jobs that wait for one. */
  #waitFor(id: string): MemoryJob[] {
    return [...this.#deferred].filter(({ parents }) => parents.includes(id));
  }

  #on(queue: string): string[] {
    return this.#queued.filter((id) => this.#jobs.get(id)?.origin === queue);
  }

  /** Takes a job from its queue, or from those that wait for others. */
  #leave(job: MemoryJob): void {
    this.#deferred.delete(job);
    this.#takeOff(job.id);
  }

  #takeOff(id: string): void {
    this.#queued = this.#queued.filter((other) => other !== id);
  }

  #queue(job: MemoryJob, atFront: boolean): void {
    job.queue();
    if (atFront) this.#queued.unshift(job.id);
    else this.#queued.push(job.id);
    this.changed();
  }

  /** Queues a job that waits for no other, unless it is for later. */
  #admit(job: MemoryJob): void {
    if (job.due === undefined || job.due <= Date.now()) this.#ready(job);
    else job.set({ status: "scheduled" });
  }

  #ready(job: MemoryJob): void {
    this.#queue(job, job.record.integer("enqueue_at_front") === 1);
  }

  /** Decides about a job whose parents may have ended. */
  #judge(job: MemoryJob, now?: { id: string; how: ParentEnd }): void {
    const verdict = verdictOf(job, (id) => {
      if (job.goesOnWithout.has(id)) return "enqueue";
      return id === now?.id ? now.how : this.#jobs.get(id)?.status;
    });
    switch (verdict.what) {
      case "stay":
        return;
      case "go":
        this.#deferred.delete(job);
        return this.#admit(job);
      case "fail":
        job.fail(verdict.why, new Error(verdict.why));
        break;
      case "cancel":
        job.set({ status: "canceled" });
    }
    this.#deferred.delete(job);
    job.set({ x_decided_by: verdict.decidedBy });
    this.ended(job);
  }

  /** The id of the job that is to be there instead of a new one, since it holds the new one's unique key. */
  #heedKey(job: NewJob): string | undefined {
    const { fields, queue } = job;
    const key = fields.get("x_unique");
    if (typeof key !== "string") return undefined;
    const holder = holderOf(this.all, queue, key);
    if (holder === undefined) return undefined;
    const { id, status } = holder;
    switch (whatIfTaken(fields)) {
      case "skip":
        return id;
      case "debounce":
        if (status === "started") return undefined;
        for (const field of ["data", "description", "meta"] as const) {
          holder.set({ [field]: fields.get(field) ?? "" });
        }
        return id;
      case "replace":
        holder.set({ x_unique: "" });
        if (status === "started" || hasEnded(status)) return undefined;
        this.#leave(holder);
        this.#jobs.delete(id);
        return undefined;
      default:
        enqueuedJob({ outcome: "held", id, status, key }, job);
        return undefined;
    }
  }
}

const DONE: Change = { done: true, gone: false, status: "" };

function refused(gone: boolean, status: string): Change {
  return { done: false, gone, status };
}

function noop(): Promise<void> {
  return Promise.resolve();
}
