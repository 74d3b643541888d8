/**
 * The pool of subprocesses that wait for the next jobs.
 *
 * @module
 */

import type { Launch } from "./launch.ts";
import type { Subprocess } from "./subprocess.ts";

/** Milliseconds of the first pause after a failed start, doubled each time. */
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 30_000;

/** The part of a subprocess that the pool uses. */
export type Waiter = Pick<
  Subprocess,
  "close" | "jobs" | "ready" | "status"
>;

/** The options of a {@linkcode WarmPool}. */
export interface WarmPoolOptions<T extends Waiter> {
  /** How many subprocesses are started ahead of time. */
  readonly size: number;
  /** How many used ones may wait. */
  readonly keep: number;
  /** Starts a subprocess. */
  readonly spawn: (launch: Launch) => T;
  /** Guesses how the next one is started; `undefined` if unknown. */
  readonly plan: () => Launch | undefined;
  /** Milliseconds since an arbitrary moment. @default performance.now() */
  readonly now?: () => number;
}

interface WaitingChild<T> {
  readonly key: string;
  readonly child: T;
}

/** A pool of subprocesses that were started ahead of time, or are kept for another job. */
export class WarmPool<T extends Waiter = Subprocess> {
  readonly #options: WarmPoolOptions<T>;
  readonly #now: () => number;
  readonly #closing = new Set<Promise<void>>();
  #waiting: WaitingChild<T>[] = [];
  #failures = 0;
  #notBefore = 0;
  #closed = false;

  /** Starts nothing yet. */
  constructor(options: WarmPoolOptions<T>) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Starts subprocesses until `most` wait, unless starts have failed a moment ago. Never throws. */
  fill(most: number = this.#options.size): void {
    if (this.#closed) return;
    this.#keep(({ child }) => child.status === undefined);
    if (this.#waiting.length >= most) return;
    if (this.#now() < this.#notBefore) return;
    try {
      this.#fill(Math.min(most, this.#options.size));
    } catch {
      this.failed(); // the next job shows what is wrong
    }
  }

  /**
   * Takes the longest-waiting subprocess that was started in the given way, if any, and ends those that were started
   * in another way.
   *
   * @param fresh Whether it must not have served a job.
   */
  take(launch: Launch, fresh = false): T | undefined {
    // A job that needs its own start is no reason to end the waiting ones.
    if (!launch.generic) return undefined;
    this.#keep(({ key, child }) =>
      key === launch.key && child.status === undefined
    );
    const at = this.#waiting.findIndex(({ child }) =>
      !fresh || child.jobs === 0
    );
    return at < 0 ? undefined : this.#waiting.splice(at, 1)[0]!.child;
  }

  /** Takes back a subprocess for another job; `false` if enough are kept. */
  giveBack(launch: Launch, child: T): boolean {
    if (this.#closed || this.#waiting.length >= this.#options.keep) {
      return false;
    }
    this.#waiting.unshift({ key: launch.key, child });
    return true;
  }

  /** Call it when a subprocess became ready. */
  succeeded(): void {
    this.#failures = 0;
    this.#notBefore = 0;
  }

  /** Call it when a subprocess could not be started: then none is started ahead of time for a while. */
  failed(): void {
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#failures++);
    this.#notBefore = this.#now() + pause;
  }

  /** Kills the waiting subprocesses. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#keep(() => false);
    await Promise.all(this.#closing);
  }

  #fill(size: number): void {
    const launch = this.#options.plan();
    if (launch === undefined) return;
    while (!this.#closed && this.#waiting.length < size) {
      const child = this.#options.spawn(launch);
      const waiting = { key: launch.key, child };
      this.#waiting.push(waiting);
      child.ready.then((ready) => {
        if (!ready && this.#waiting.includes(waiting)) this.failed();
      });
    }
  }

  #keep(fits: (waiting: WaitingChild<T>) => boolean): void {
    const gone = this.#waiting.filter((waiting) => !fits(waiting));
    if (gone.length === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => !gone.includes(waiting));
    for (const { child } of gone) {
      const closing = child.close();
      this.#closing.add(closing);
      closing.finally(() => this.#closing.delete(closing));
    }
  }
}
