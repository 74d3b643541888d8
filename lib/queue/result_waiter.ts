/**
 * Waits for the results of any number of jobs, and for other ends, over one blocking connection.
 *
 * @module
 */

import { deferred } from "../base/deferred.ts";
import { isRetry, type StoredResult } from "../job/result_codec.ts";
import { hasEnded, isJobStatus, statusOfText } from "../job/status.ts";
import {
  type BlockingClient,
  ConnectionLostError,
  type RedisReply,
} from "../redis/redis_client.ts";
import { type JobStore, resultOfEntry } from "../store/job_store.ts";
import { list } from "../store/replies.ts";
import { isLater } from "../store/stream_ids.ts";

/**
 * How long one XREAD blocks, in milliseconds. A result, or an end that our scripts announce, ends it at once.
 * At this interval the jobs' statuses are read too, since nothing announces Python's `cancel()` and `delete()`,
 * or a key that expires.
 */
const LOOK_MS = 1_000;

/** How many statuses are read per second at most; with more jobs, the interval is longer. */
const MAX_LOOKS = 1_000;

/** A hint that a job may have ended, so its state should be read. */
export interface Hint {
  /** The last status of a job that was removed, or "". */
  readonly how: string;
}

/** How a wait ended: with a result, or with a hint that there may never be one. */
export type WaitOutcome = StoredResult | Hint;

/** Positions in the streams, from which on entries count. */
export interface WaitFrom {
  /** Only results after this entry count. */
  readonly after: string;
  /** The same for the stream of ends. */
  readonly endsAfter: string;
}

interface PendingWait {
  /** What is waited for, in messages. */
  readonly what: string;
  /** What the stream of ends calls it: a job's id, or the name of something else that ends. */
  readonly name: string;
  /** Only results after this entry count; absent for what has none. */
  after?: string;
  /** Whether it is over, in case nothing has announced that. */
  readonly isOver: () => Promise<boolean>;
  readonly settle: PromiseWithResolvers<WaitOutcome>;
}

/** Waits for results. It connects on the first wait. */
export class ResultWaiter implements AsyncDisposable {
  readonly #store: JobStore;
  readonly #lookMs: number;
  readonly #waiting = new Set<PendingWait>();
  #blocking: BlockingClient | undefined;
  #loop: Promise<void> | undefined;
  #closed = false;
  #endsAfter: string | undefined;
  #checkedAt = performance.now();

  /** For jobs of this store, whose statuses it reads every `lookMs` milliseconds. */
  constructor(store: JobStore, lookMs: number = LOOK_MS) {
    this.#store = store;
    this.#lookMs = lookMs;
  }

  /**
   * Waits until a job has a result, or may never have one. In the latter case, read its state, and wait
   * again if it goes on.
   */
  wait(
    jobId: string,
    { after, endsAfter }: WaitFrom,
    signal?: AbortSignal,
  ): Promise<WaitOutcome> {
    const settle = deferred<WaitOutcome>();
    const isOver = () => this.#isOver(jobId, waiting.after ?? after);
    const waiting: PendingWait = {
      what: `job "${jobId}"`,
      name: jobId,
      after,
      isOver,
      settle,
    };
    return this.#wait(waiting, endsAfter, signal);
  }

  /**
   * Waits for something that is no job: until the stream of ends announces it by its name, or `isOver()`, which is asked each
   * second, says so.
   */
  async waitForEnd(
    of: Pick<PendingWait, "what" | "name" | "isOver">,
    endsAfter: string,
    signal?: AbortSignal,
  ): Promise<void> {
    const settle = deferred<WaitOutcome>();
    await this.#wait({ ...of, settle }, endsAfter, signal);
  }

  async #wait(
    waiting: PendingWait,
    endsAfter: string,
    signal?: AbortSignal,
  ): Promise<WaitOutcome> {
    signal?.throwIfAborted();
    if (this.#closed) {
      throw new Error(
        `Cannot wait for ${waiting.what}: the connection is closed`,
      );
    }
    const onAbort = () => waiting.settle.reject(signal?.reason);
    signal?.addEventListener("abort", onAbort);
    if (this.#waiting.size === 0 || this.#endsAfter === undefined) {
      this.#endsAfter = endsAfter;
    } else if (isLater(this.#endsAfter, endsAfter)) this.#endsAfter = endsAfter;
    this.#waiting.add(waiting);
    if (this.#loop === undefined) this.#loop = this.#run();
    else this.#blocking?.unblock(); // the current XREAD does not include this job, the next one does
    try {
      return await waiting.settle.promise;
    } finally {
      this.#waiting.delete(waiting);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Closes the connection; rejects those who still wait. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { what, settle } of this.#waiting) {
      settle.reject(
        new Error(`Cannot wait for ${what}: the connection was closed`),
      );
    }
    this.#waiting.clear();
    await this.#blocking?.close();
    await this.#loop;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    try {
      while (this.#waiting.size > 0) await this.#readOnce();
    } catch (error) {
      for (const { settle } of this.#waiting) settle.reject(error);
      this.#waiting.clear();
    } finally {
      this.#loop = undefined;
    }
  }

  async #readOnce(): Promise<void> {
    const streams = this.#streams();
    const blockMs = this.#lookMs;
    const blocking = this.#blocking ??= this.#store.client.blocking();
    let reply: RedisReply;
    try {
      reply = await blocking.send(
        "XREAD",
        ["BLOCK", blockMs, "STREAMS", ...streams.keys(), ...streams.values()],
        { blockMs },
      );
    } catch (error) {
      if (this.#closed || !(error instanceof ConnectionLostError)) throw error;
      return;
    }
    if (reply !== null) this.#deliver(reply);
    const interval = Math.max(
      blockMs,
      this.#waiting.size * 1_000 / MAX_LOOKS,
    );
    if (performance.now() - this.#checkedAt >= interval) await this.#look();
  }

  /** Each stream once, with the earliest position that anybody waits for. */
  #streams(): Map<string, string> {
    const streams = new Map<string, string>();
    streams.set(this.#store.keys.ends, this.#endsAfter ?? "0-0");
    for (const { name, after } of this.#waiting) {
      if (after === undefined) continue;
      const key = this.#store.keys.results(name);
      const known = streams.get(key);
      if (known === undefined || isLater(known, after)) streams.set(key, after);
    }
    return streams;
  }

  #deliver(reply: RedisReply): void {
    for (const stream of list(reply)) {
      const [key, entries] = list(stream);
      if (key === this.#store.keys.ends) this.#hint(list(entries ?? null));
      else this.#deliverResults(String(key), list(entries ?? null));
    }
  }

  /** Settles waits with a hint. It may be old, or about another job that had the same id: only the state counts. */
  #hint(entries: readonly RedisReply[]): void {
    for (const entry of entries) {
      const [entryId, flat] = list(entry);
      const [, id, , how = ""] = list(flat ?? null).map(String);
      this.#endsAfter = String(entryId);
      for (const waiting of this.#waiting) {
        if (waiting.name === id) this.#settle(waiting, { how });
      }
    }
  }

  #settle(waiting: PendingWait, outcome: WaitOutcome): void {
    this.#waiting.delete(waiting);
    waiting.settle.resolve(outcome);
  }

  #deliverResults(key: string, entries: readonly RedisReply[]): void {
    for (const entry of entries) {
      const result = resultOfEntry(entry);
      for (const waiting of this.#waiting) {
        const { name, after } = waiting;
        const mine = this.#store.keys.results(name) === key;
        if (!mine || !isLater(result.entryId, after ?? "0-0")) continue;
        if (isRetry(result)) waiting.after = result.entryId;
        else this.#settle(waiting, result);
      }
    }
  }

  async #look(): Promise<void> {
    this.#checkedAt = performance.now();
    await Promise.all([...this.#waiting].map(async (waiting) => {
      if (await waiting.isOver()) this.#settle(waiting, { how: "" });
    }));
  }

  /** Whether no result will come. Decided from the second read alone, since a new job with this id may be created at any time. */
  async #isOver(jobId: string, after: string): Promise<boolean> {
    const now = await this.#store.status(jobId);
    const goesOn = now !== "deferred" && isJobStatus(now) && !hasEnded(now);
    if (goesOn) return false;
    const { exists, status, latest, inVain } = await this.#store.await(jobId);
    if (!exists || status === "canceled" || inVain !== null) return true;
    return hasEnded(statusOfText(status)) &&
      (latest === null || !isLater(latest.entryId, after));
  }
}
