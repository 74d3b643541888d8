/**
 * Waits until one of a worker's queues has a job: on a few connections that block, and
 * for all further queues with a look now and then.
 *
 * @module
 */

import { pause } from "../base/timers.ts";
import {
  type BlockingClient,
  ConnectionLostError,
  ReplyError,
} from "../redis/redis_client.ts";
import type { WorkerStore } from "../store/worker_store.ts";
import type { PoppedJob } from "../store/worker_types.ts";

/** What a {@linkcode QueueWaiter} works with. */
export interface QueueWaiterOptions {
  readonly store: WorkerStore;
  /** Told why a queue cannot be waited on. */
  readonly onTrouble: (text: string) => void;
}

/** Most connections that block; a server has 10,000 for all its workers, who may have hundreds of queues each. */
const MOST_CONNECTIONS = 8;
/** Milliseconds between two looks at the queues that no connection blocks on. */
const LOOK_MS = 200;
/** Pause where a queue's key cannot be waited on, in milliseconds. */
const RETRY_MS = 1_000;

/** See the module. One wait at a time. */
export class QueueWaiter implements AsyncDisposable {
  readonly #options: QueueWaiterOptions;
  /** The first blocks on the first queue, and so on. */
  readonly #clients: BlockingClient[] = [];

  /** Opens connections when they are first needed. */
  constructor(options: QueueWaiterOptions) {
    this.#options = options;
  }

  /**
   * Waits until a queue may have a job, at most `ms` milliseconds or until the signal fires. What a connection
   * caught has been taken into its queue's intermediate list; the queues are in order of priority.
   */
  async wait(
    queues: readonly string[],
    ms: number,
    signal: AbortSignal,
  ): Promise<PoppedJob[]> {
    const clients = this.#clientsFor(queues);
    const over = new AbortController();
    const end = () => {
      over.abort();
      for (const client of clients) client.unblock();
    };
    signal.addEventListener("abort", end);
    try {
      const looking = this.#look(queues, ms, over.signal).then(end);
      const waits = clients.map(async (client, i) => {
        const queue = queues[i]!;
        const jobId = await this.#catch(client, queue, ms, over.signal);
        end(); // the first to be served, or to fail, ends the others
        return jobId === null ? null : { queue, jobId };
      });
      if (signal.aborted) end();
      const popped = await Promise.all(waits);
      await looking;
      return popped.filter((job) => job !== null);
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  /** Closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    const clients = this.#clients.splice(0);
    await Promise.all(clients.map((client) => client.close()));
  }

  #clientsFor(queues: readonly string[]): readonly BlockingClient[] {
    const count = Math.min(queues.length, MOST_CONNECTIONS);
    while (this.#clients.length < count) {
      this.#clients.push(this.#options.store.client.blocking());
    }
    return this.#clients.slice(0, count);
  }

  /** Until a queue that no connection blocks on has a job, or the time is over: also for calls that cannot be sent. */
  async #look(
    queues: readonly string[],
    ms: number,
    over: AbortSignal,
  ): Promise<void> {
    const deadline = performance.now() + ms + LOOK_MS;
    while (!over.aborted && performance.now() < deadline) {
      await pause(Math.min(ms, LOOK_MS), over);
      const unwatched = queues.filter((_, i) => !this.#clients[i]?.connected);
      if (unwatched.length === 0 || over.aborted) continue;
      if (await this.#hasJobs(unwatched, over)) return;
    }
  }

  async #hasJobs(
    queues: readonly string[],
    over: AbortSignal,
  ): Promise<boolean> {
    try {
      return await this.#options.store.hasJobs(queues, over);
    } catch (error) {
      if (over.aborted) return false;
      if (!(error instanceof ReplyError)) throw error;
      this.#options.onTrouble(`Cannot look for jobs: ${error.message}`);
      await pause(RETRY_MS, over);
      return true; // the claim sees for itself
    }
  }

  /** The id that BLMOVE took from one queue, or `null`. */
  async #catch(
    client: BlockingClient,
    queue: string,
    ms: number,
    over: AbortSignal,
  ): Promise<string | null> {
    const { store, onTrouble } = this.#options;
    const { keys } = store;
    try {
      const reply = await client.send("BLMOVE", [
        keys.queue(queue),
        keys.intermediate(queue),
        "LEFT",
        "RIGHT",
        (ms / 1_000).toFixed(3),
      ], { blockMs: ms });
      return reply === null ? null : String(reply);
    } catch (error) {
      if (error instanceof ReplyError) {
        onTrouble(`${queue}: Cannot wait for jobs: ${error.message}`);
        await pause(Math.min(ms, RETRY_MS), over);
      } else if (!(error instanceof ConnectionLostError)) throw error;
      return null; // the claim that follows waits for the connection to come back
    }
  }
}
