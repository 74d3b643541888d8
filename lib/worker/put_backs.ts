/**
 * The order in which a worker that leaves at once puts back what it ran.
 *
 * @module
 */

import type { Execution } from "../store/worker_types.ts";

/** Milliseconds for which those that are dead wait for others: one that is slow to die keeps nobody for longer. */
const MOST_MS = 1_000;

/**
 * Gathers executions that are to be put back until nothing runs any more. Each goes to the head of its queue, so the one that
 * was claimed last goes first, and the one that was claimed first is the next again.
 */
export class PutBacks {
  readonly #isBusy: () => boolean;
  #waiting: { readonly id: string; readonly go: () => void }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param isBusy whether something still runs */
  constructor(isBusy: () => boolean) {
    this.#isBusy = isBusy;
  }

  /** Waits until it is the turn of this execution. */
  turn({ id }: Execution): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ id, go: resolve });
    this.#timer ??= setTimeout(() => this.#flush(), MOST_MS);
    return promise;
  }

  /** To be called whenever something has ended. */
  check(): void {
    // Not at once: who has ended last must be waiting for its turn by then, as the others are.
    if (!this.#isBusy()) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    // The ids of a worker's executions are numbered in the order of their claims.
    waiting.sort((a, b) => a.id < b.id ? 1 : -1);
    console.log("FLUSH", waiting.map((w) => w.id.slice(-3)).join());
    for (const { go } of waiting) go();
  }
}
