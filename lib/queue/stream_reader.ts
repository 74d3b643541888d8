/**
 * Reads streams that may get more entries, for any number of readers over one blocking connection.
 *
 * @module
 */

import { deferred } from "../base/deferred.ts";
import {
  type BlockingClient,
  ConnectionLostError,
  type RedisReply,
} from "../redis/redis_client.ts";
import type { JobStore } from "../store/job_store.ts";
import { entriesOf, type StreamEntry } from "../store/parts.ts";
import { list } from "../store/replies.ts";
import { isLater } from "../store/stream_ids.ts";

/** How long a reader waits for an entry, in milliseconds. Then he looks whether any will come. */
const BLOCK_MS = 1_000;

/** The most entries of one reply, of each stream: the largest parts of jobs have 128 KB. */
const PAGE = 32;

interface Reading {
  readonly key: string;
  readonly after: string;
  /** Until when it waits. */
  readonly until: number;
  readonly settle: PromiseWithResolvers<StreamEntry[]>;
}

/** Reads streams. It connects when somebody has to wait. */
export class StreamReader implements AsyncDisposable {
  readonly #store: JobStore;
  readonly #waiting = new Set<Reading>();
  #blocking: BlockingClient | undefined;
  #loop: Promise<void> | undefined;
  #closed = false;

  /** Over the connection of this store. */
  constructor(store: JobStore) {
    this.#store = store;
  }

  /**
   * The first entries of a stream after an id. If there are none, it waits a second for some, and then gives none. A stream
   * that does not exist has no entries.
   */
  async read(
    key: string,
    after: string,
    signal?: AbortSignal,
  ): Promise<StreamEntry[]> {
    signal?.throwIfAborted();
    const there = await this.look(key, after);
    if (there.length > 0) return there;
    signal?.throwIfAborted();
    if (this.#closed) throw closedError();
    const settle = deferred<StreamEntry[]>();
    const until = performance.now() + BLOCK_MS;
    const reading = { key, after, until, settle };
    const onAbort = () => settle.reject(signal?.reason);
    signal?.addEventListener("abort", onAbort);
    this.#waiting.add(reading);
    if (this.#loop === undefined) this.#loop = this.#run();
    else this.#blocking?.unblock(); // the current XREAD is without this stream
    try {
      return await settle.promise;
    } finally {
      this.#waiting.delete(reading);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** The same, without waiting. */
  async look(key: string, after: string): Promise<StreamEntry[]> {
    const args = [key, `(${after}`, "+", "COUNT", PAGE];
    return entriesOf(
      await this.#store.client.send("XRANGE", args, { resend: true }),
    );
  }

  /** Closes the connection; those who wait get an error. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#failAll(closedError());
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
      this.#failAll(error);
    } finally {
      this.#loop = undefined;
    }
  }

  async #readOnce(): Promise<void> {
    const streams = this.#streams();
    const blocking = this.#blocking ??= this.#store.client.blocking();
    let reply: RedisReply = null;
    try {
      reply = await blocking.send("XREAD", [
        ...["COUNT", PAGE, "BLOCK", BLOCK_MS, "STREAMS"],
        ...streams.keys(),
        ...streams.values(),
      ], { blockMs: BLOCK_MS });
    } catch (error) {
      if (this.#closed || !(error instanceof ConnectionLostError)) throw error;
    }
    for (const stream of reply === null ? [] : list(reply)) {
      const [key, entries] = list(stream);
      this.#deliver(String(key), entriesOf(entries ?? null));
    }
    const now = performance.now();
    for (const { until, settle } of this.#waiting) {
      if (until <= now) settle.resolve([]);
    }
  }

  /** Each stream once, from where its first reader is. */
  #streams(): Map<string, string> {
    const streams = new Map<string, string>();
    for (const { key, after } of this.#waiting) {
      const known = streams.get(key);
      if (known === undefined || isLater(known, after)) streams.set(key, after);
    }
    return streams;
  }

  #deliver(key: string, entries: readonly StreamEntry[]): void {
    for (const reading of this.#waiting) {
      if (reading.key !== key) continue;
      const own = entries.filter(({ id }) => isLater(id, reading.after));
      if (own.length === 0) continue;
      this.#waiting.delete(reading);
      reading.settle.resolve(own);
    }
  }

  #failAll(error: unknown): void {
    for (const { settle } of this.#waiting) settle.reject(error);
    this.#waiting.clear();
  }
}

function closedError(): Error {
  return new Error("Cannot read a stream: the connection is closed");
}
