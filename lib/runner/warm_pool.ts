/**
 * The subprocesses that wait for the next jobs.
 *
 * @module
 */

import type { Launch } from "./launch.ts";
import type { Subprocess } from "./subprocess.ts";

/** Milliseconds of the first pause after a failed start, doubled each time. */
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 30_000;

/** What waits: a subprocess. */
export type Waiter = Pick<
  Subprocess,
  "close" | "jobs" | "ready" | "status"
>;

/** What a {@linkcode WarmPool} needs. */
export interface WarmPoolOptions<T extends Waiter> {
  /** How many subprocesses are started ahead of time. */
  readonly size: number;
  /** How many may wait that have served a job. */
  readonly keep: number;
  /** Starts a subprocess. */
  readonly spawn: (launch: Launch) => T;
  /** Tells how the next one is most likely started; nothing if that is not known. */
  readonly plan: () => Launch | undefined;
  /** Milliseconds since some moment. @default performance.now() */
  readonly now?: () => number;
}

interface Waiting<T> {
  readonly key: string;
  readonly child: T;
}

/** Holds subprocesses that were started ahead of time. */
export class WarmPool<T extends Waiter = Subprocess> {
  readonly #options: WarmPoolOptions<T>;
  readonly #now: () => number;
  readonly #closing = new Set<Promise<void>>();
  #waiting: Waiting<T>[] = [];
  #failures = 0;
  #notBefore = 0;
  #closed = false;

  /** Starts nothing yet. */
  constructor(options: WarmPoolOptions<T>) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Starts what is missing, up to `most` that wait, unless the last starts failed a moment ago. Never throws. */
  fill(most: number = this.#options.size): void {
    if (this.#closed) return;
    this.#keep(({ child }) => child.status === undefined);
    if (this.#waiting.length >= most) return;
    if (this.#now() < this.#notBefore) return;
    try {
      this.#fill(Math.min(most, this.#options.size));
    } catch {
      this.failed(); // what is wrong shows when the next job is run
    }
  }

  /**
   * Hands over the one that has waited longest, if any was started in the given way; ends those that were not.
   *
   * @param fresh whether it must not have served a job
   */
  take(launch: Launch, fresh = false): T | undefined {
    // One that fits only its own job says nothing against those that wait.
    if (!launch.generic) return undefined;
    this.#keep(({ key, child }) =>
      key === launch.key && child.status === undefined
    );
    const at = this.#waiting.findIndex(({ child }) =>
      !fresh || child.jobs === 0
    );
    return at < 0 ? undefined : this.#waiting.splice(at, 1)[0]!.child;
  }

  /** Takes one back that is ready for another job; `false` if there are enough. */
  giveBack(launch: Launch, child: T): boolean {
    if (this.#closed || this.#waiting.length >= this.#options.keep) {
      return false;
    }
    this.#waiting.unshift({ key: launch.key, child });
    return true;
  }

  /** A subprocess became ready. */
  succeeded(): void {
    this.#failures = 0;
    this.#notBefore = 0;
  }

  /** A subprocess could not be started: no other is started ahead of time for a while. */
  failed(): void {
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#failures++);
    this.#notBefore = this.#now() + pause;
  }

  /** Kills those that wait. */
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

  #keep(fits: (waiting: Waiting<T>) => boolean): void {
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
