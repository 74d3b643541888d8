/**
 * Decides when a worker takes a suspect: a job that may have killed its last worker.
 *
 * A suspect runs with no other job beside it, so that if the worker dies again, the suspect is to blame. A worker
 * that meets one stops claiming until the jobs it has in hand have ended. If that takes too long, it passes over the
 * suspect for as long as it has waited, so that the queue behind it moves on, and then tries again for twice as
 * long. So at most half of its time is lost, and the suspect's turn comes once the worker has waited for longer than
 * its jobs take. Any other worker with nothing in hand may take the suspect at any time.
 *
 * @module
 */

import type { SuspectMode } from "../store/worker_types.ts";

/** How long a worker stops claiming the first time, in milliseconds. */
const FIRST_HOLD_MS = 2_000;
/** The longest such time: a job that takes hours must not stop the queue for hours. */
const LONGEST_HOLD_MS = 600_000;
/** Milliseconds until a queue is tried again that contained only suspects to pass over. */
const LOOK_AGAIN_MS = 1_000;

/** Decides about suspects while other jobs are in hand. */
export class SuspectRule {
  readonly #now: () => number;
  #holdMs = FIRST_HOLD_MS;
  #holdUntil = 0;
  #passUntil = 0;
  #restUntil = 0;

  /**
   * Has met none yet.
   *
   * @param now a clock in milliseconds
   */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Call it when a claim has stopped at a suspect, or has found nothing else. */
  met(): void {
    const now = this.#now();
    if (now < this.#passUntil) {
      this.#restUntil = now + LOOK_AGAIN_MS;
      return;
    }
    const isLongAgo = now > this.#passUntil + this.#holdMs;
    if (isLongAgo) this.#holdMs = FIRST_HOLD_MS;
    this.#holdUntil = now + this.#holdMs;
    this.#passUntil = this.#holdUntil + this.#holdMs;
    this.#holdMs = Math.min(this.#holdMs * 2, LONGEST_HOLD_MS);
  }

  /** Call it when a suspect was taken. */
  reset(): void {
    this.#holdMs = FIRST_HOLD_MS;
    this.#holdUntil = this.#passUntil = this.#restUntil = 0;
  }

  /** For how many milliseconds nothing more should be claimed beside what is in hand. */
  holdMs(): number {
    const until = Math.max(this.#holdUntil, this.#restUntil);
    return Math.max(0, until - this.#now());
  }

  /** What to do with a suspect now, beside other jobs. */
  mode(): SuspectMode {
    return this.#now() < this.#passUntil ? "pass" : "stop";
  }
}
