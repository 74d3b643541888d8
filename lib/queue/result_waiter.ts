/**
 * Waiting for the results of any number of jobs over one blocking connection.
 *
 * @module
 */

import { isRetry, type StoredResult } from "../job/result_codec.ts";
import { hasEnded, isJobStatus, statusOfText } from "../job/status.ts";
import {
  type BlockingClient,
  ConnectionLostError,
  type RedisReply,
} from "../redis/redis_client.ts";
import { type JobStore, list, resultOfEntry } from "../store/job_store.ts";

/**
 * Milliseconds that one XREAD blocks; a result, or an end that our own scripts tell of, ends it at once.
 * So often the jobs are looked at, since nothing tells what other programs do to them: Python's `cancel()`
 * and `delete()`, and keys that expire.
 */
const LOOK_MS = 1_000;

/** The most looks a second; of more jobs each is looked at less often. */
const MAX_LOOKS = 1_000;

/** What has happened to a job that is to be looked at again: its last status, where that is known. */
export interface Hint {
  /** The status in which it was gone, or "". */
  readonly how: string;
}

/** How a wait ended: with a result, or because there may be none. */
export type WaitOutcome = StoredResult | Hint;

/** From where on one waits. */
export interface WaitFrom {
  /** Only results after this entry count. */
  readonly after: string;
  /** Likewise for the stream of ends. */
  readonly endsAfter: string;
}

interface Waiting {
  readonly jobId: string;
  after: string;
  readonly settle: PromiseWithResolvers<WaitOutcome>;
}

/** Waits for results. The connection is made by the first wait. */
export class ResultWaiter implements AsyncDisposable {
  readonly #store: JobStore;
  readonly #lookMs: number;
  readonly #waiting = new Set<Waiting>();
  #blocking: BlockingClient | undefined;
  #loop: Promise<void> | undefined;
  #closed = false;
  #endsAfter: string | undefined;
  #checkedAt = performance.now();

  /** Waits for jobs of this store, and looks at them every `lookMs` milliseconds. */
  constructor(store: JobStore, lookMs: number = LOOK_MS) {
    this.#store = store;
    this.#lookMs = lookMs;
  }

  /**
   * Waits until a job has a result, or may never have one: then look at its state, and wait again if it
   * goes on.
   */
  async wait(
    jobId: string,
    { after, endsAfter }: WaitFrom,
    signal?: AbortSignal,
  ): Promise<WaitOutcome> {
    signal?.throwIfAborted();
    if (this.#closed) {
      throw new Error(
        `Cannot wait for job "${jobId}": the connection is closed`,
      );
    }
    const waiting: Waiting = { jobId, after, settle: Promise.withResolvers() };
    const onAbort = () => waiting.settle.reject(signal?.reason);
    signal?.addEventListener("abort", onAbort);
    if (this.#waiting.size === 0 || this.#endsAfter === undefined) {
      this.#endsAfter = endsAfter;
    } else if (isLater(this.#endsAfter, endsAfter)) this.#endsAfter = endsAfter;
    this.#waiting.add(waiting);
    if (this.#loop === undefined) this.#loop = this.#run();
    else this.#blocking?.unblock(); // the XREAD of now does not include it, the next one does
    try {
      return await waiting.settle.promise;
    } finally {
      this.#waiting.delete(waiting);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Ends the connection; whoever still waits is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { jobId, settle } of this.#waiting) {
      settle.reject(
        new Error(`Cannot wait for job "${jobId}": the connection was closed`),
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

  /** Each stream once, from the earliest entry that anybody waits for. */
  #streams(): Map<string, string> {
    const streams = new Map<string, string>();
    streams.set(this.#store.keys.ends, this.#endsAfter ?? "0-0");
    for (const { jobId, after } of this.#waiting) {
      const key = this.#store.keys.results(jobId);
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

  /** A hint may be old, or of another job that had the same id: the state says what holds. */
  #hint(entries: readonly RedisReply[]): void {
    for (const entry of entries) {
      const [entryId, flat] = list(entry);
      const [, id, , how = ""] = list(flat ?? null).map(String);
      this.#endsAfter = String(entryId);
      for (const waiting of this.#waiting) {
        if (waiting.jobId === id) this.#settle(waiting, { how });
      }
    }
  }

  #settle(waiting: Waiting, outcome: WaitOutcome): void {
    this.#waiting.delete(waiting);
    waiting.settle.resolve(outcome);
  }

  #deliverResults(key: string, entries: readonly RedisReply[]): void {
    for (const entry of entries) {
      const result = resultOfEntry(entry);
      for (const waiting of this.#waiting) {
        const mine = this.#store.keys.results(waiting.jobId) === key;
        if (!mine || !isLater(result.entryId, waiting.after)) continue;
        if (isRetry(result)) waiting.after = result.entryId;
        else this.#settle(waiting, result);
      }
    }
  }

  async #look(): Promise<void> {
    this.#checkedAt = performance.now();
    await Promise.all([...this.#waiting].map(async (waiting) => {
      const status = await this.#store.status(waiting.jobId);
      const goesOn = status !== "deferred" && isJobStatus(status) &&
        !hasEnded(status);
      if (goesOn || !(await this.#isOver(waiting))) return;
      this.#settle(waiting, { how: "" });
    }));
  }

  /** Whether no result is to come. The same state marks the job: one of this id may have been made anew. */
  async #isOver({ jobId, after }: Waiting): Promise<boolean> {
    const { exists, status, latest, inVain } = await this.#store.await(jobId);
    if (!exists || status === "canceled" || inVain !== null) return true;
    return hasEnded(statusOfText(status)) &&
      (latest === null || !isLater(latest.entryId, after));
  }
}

/** Compares two ids of stream entries, `<milliseconds>-<number>`. */
export function isLater(id: string, than: string): boolean {
  const [ms = 0, n = 0] = id.split("-").map(Number);
  const [thanMs = 0, thanN = 0] = than.split("-").map(Number);
  return ms > thanMs || (ms === thanMs && n > thanN);
}
