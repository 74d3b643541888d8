/**
 * When a worker takes a job that may have killed its last worker.
 *
 * Such a job, a suspect, runs with nothing beside it, so that a further loss is its own. A worker that
 * meets one first ends what it has in hand. Long jobs may keep it from that: then it passes the suspect
 * over for a while, so that the queue behind it moves on, and tries again after that. Any other worker
 * with free hands may take the suspect meanwhile.
 *
 * @module
 */

import type { SuspectMode } from "../store/worker_types.ts";

/** Milliseconds for which a worker takes nothing else in order to have free hands, and for which it then passes over. */
const HOLD_MS = 30_000;

/** Decides about suspects while there are other jobs in hand. */
export class SuspectRule {
  readonly #now: () => number;
  #holdUntil = 0;
  #passUntil = 0;

  /**
   * Has met none yet.
   *
   * @param now a clock in milliseconds
   */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** A claim has stopped in front of one, or has passed one over. */
  met(): void {
    const now = this.#now();
    if (now < this.#passUntil) return;
    this.#holdUntil = now + HOLD_MS;
    this.#passUntil = this.#holdUntil + HOLD_MS;
  }

  /** The suspect was taken. */
  reset(): void {
    this.#holdUntil = this.#passUntil = 0;
  }

  /** For how many milliseconds nothing more is to be claimed beside what is in hand. */
  holdMs(): number {
    return Math.max(0, this.#holdUntil - this.#now());
  }

  /** What to do with one that is met now, beside other jobs. */
  mode(): SuspectMode {
    return this.#now() < this.#passUntil && this.holdMs() === 0
      ? "pass"
      : "stop";
  }
}
