/**
 * Waits until one of a worker's queues has a job: with a few blocking connections, and
 * by polling the remaining queues.
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

/** The options of a {@linkcode QueueWaiter}. */
export interface QueueWaiterOptions {
  readonly store: WorkerStore;
  /** Called with the reason if a queue cannot be waited on. */
  readonly onTrouble: (text: string) => void;
}

/** The most blocking connections: a server allows 10,000 in all, and a worker may have hundreds of queues. */
const MOST_CONNECTIONS = 8;
/** Milliseconds between two polls of the remaining queues. */
const LOOK_MS = 200;
/** The pause if a queue cannot be waited on, in milliseconds. */
const RETRY_MS = 1_000;

/** See the module. One wait at a time. */
export class QueueWaiter implements AsyncDisposable {
  readonly #options: QueueWaiterOptions;
  /** The first is for the first queue, and so on. */
  readonly #clients: BlockingClient[] = [];

  /** Opens connections on demand. */
  constructor(options: QueueWaiterOptions) {
    this.#options = options;
  }

  /**
   * Waits until a queue may have a job, at most `ms` milliseconds or until the signal is aborted. Returns the jobs that
   * connections have popped into their queues' intermediate lists, in order of priority.
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
        end(); // the first one that gets a job, or fails, ends the others
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

  /** Polls the remaining queues until one has a job or the time is over, even if calls cannot be sent. */
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
      return true; // let the claim find out
    }
  }

  /** The id that BLMOVE popped from one queue, or `null`. */
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
      return null; // the next claim waits for the connection to come back
    }
  }
}
