/**
 * Waiting for the results of any number of jobs over one blocking connection.
 *
 * @module
 */

import { hasEnded, statusOfText } from "../job/status.ts";
import {
  type BlockingClient,
  ConnectionLostError,
  type RedisReply,
} from "../redis/redis_client.ts";
import {
  type JobStore,
  list,
  resultOfEntry,
  type StoredResult,
} from "../store/job_store.ts";

/** RQ's `Result.Type.RETRIED`: the job goes on, this is not its end. */
const RETRIED = 4;

/**
 * Milliseconds that one XREAD blocks; a result ends it at once. So often the jobs
 * are looked at, since one that was canceled or deleted never gets a result.
 */
const BLOCK_MS = 5_000;

/** How a wait ended: with a result, or because there will be none. `ended`: the job has, without a result. */
export type WaitOutcome = StoredResult | "canceled" | "gone" | "ended";

interface Waiting {
  readonly jobId: string;
  /** Only entries after this one count. */
  after: string;
  readonly settle: PromiseWithResolvers<WaitOutcome>;
}

/** Waits for results. The connection is made by the first wait. */
export class ResultWaiter implements AsyncDisposable {
  readonly #store: JobStore;
  readonly #waiting = new Set<Waiting>();
  #blocking: BlockingClient | undefined;
  #loop: Promise<void> | undefined;
  #closed = false;
  #checkedAt = performance.now();

  /** Waits for jobs of this store. */
  constructor(store: JobStore) {
    this.#store = store;
  }

  /**
   * Waits until a job has a result later than the stream entry `after`, or
   * will not have one.
   */
  async wait(
    jobId: string,
    after: string,
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
    const blocking = this.#blocking ??= this.#store.client.blocking();
    let reply: RedisReply;
    try {
      reply = await blocking.send(
        "XREAD",
        ["BLOCK", BLOCK_MS, "STREAMS", ...streams.keys(), ...streams.values()],
        { blockMs: BLOCK_MS },
      );
    } catch (error) {
      if (this.#closed || !(error instanceof ConnectionLostError)) throw error;
      return;
    }
    if (reply !== null) this.#deliver(reply);
    if (performance.now() - this.#checkedAt >= BLOCK_MS) {
      await this.#checkLives();
    }
  }

  /** Each stream once, from the earliest entry that anybody waits for. */
  #streams(): Map<string, string> {
    const streams = new Map<string, string>();
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
      for (const entry of list(entries ?? null)) {
        const result = resultOfEntry(entry);
        for (const waiting of this.#waiting) {
          const mine = this.#store.keys.results(waiting.jobId) === key;
          if (!mine || !isLater(result.entryId, waiting.after)) continue;
          if (result.type === RETRIED) waiting.after = result.entryId;
          else {
            waiting.settle.resolve(result);
            this.#waiting.delete(waiting);
          }
        }
      }
    }
  }

  async #checkLives(): Promise<void> {
    this.#checkedAt = performance.now();
    await Promise.all([...this.#waiting].map(async (waiting) => {
      const { jobId, settle, after } = waiting;
      const { exists, status, latest } = await this.#store.state(jobId);
      if (!exists) settle.resolve("gone");
      else if (status === "canceled") settle.resolve("canceled");
      else if (
        hasEnded(statusOfText(status)) &&
        (latest === null || !isLater(latest.entryId, after))
      ) {
        settle.resolve("ended");
      }
    }));
  }
}

/** Compares two ids of stream entries, `<milliseconds>-<number>`. */
export function isLater(id: string, than: string): boolean {
  const [ms = 0, n = 0] = id.split("-").map(Number);
  const [thanMs = 0, thanN = 0] = than.split("-").map(Number);
  return ms > thanMs || (ms === thanMs && n > thanN);
}
