/**
 * When a worker takes a job that may have killed its last worker.
 *
 * Such a job, a suspect, runs with nothing beside it, so that a further loss is its own. A worker that
 * meets one first ends what it has in hand, and takes nothing else meanwhile. Long jobs may keep it from
 * that: then it passes the suspect over for as long as it has waited, so that the queue behind it moves on,
 * and tries again after that, twice as long. So no more than half of its time is lost, and a suspect's turn
 * comes once the worker has waited for longer than its jobs take. Any other worker with free hands may take
 * the suspect at any time.
 *
 * @module
 */

import type { SuspectMode } from "../store/worker_types.ts";

/** Milliseconds for which a worker first takes nothing else in order to have free hands. */
const FIRST_HOLD_MS = 2_000;
/** The longest such time: beside a job that takes hours, the queue does not stand still for hours. */
const LONGEST_HOLD_MS = 600_000;
/** Milliseconds until a queue is looked at again in which there was nothing but suspects to be passed over. */
const LOOK_AGAIN_MS = 1_000;

/** Decides about suspects while there are other jobs in hand. */
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

  /** A claim has stopped in front of one, or has found nothing else. */
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

  /** A suspect was taken. */
  reset(): void {
    this.#holdMs = FIRST_HOLD_MS;
    this.#holdUntil = this.#passUntil = this.#restUntil = 0;
  }

  /** For how many milliseconds nothing more is to be claimed beside what is in hand. */
  holdMs(): number {
    const until = Math.max(this.#holdUntil, this.#restUntil);
    return Math.max(0, until - this.#now());
  }

  /** What to do with one that is met now, beside other jobs. */
  mode(): SuspectMode {
    return this.#now() < this.#passUntil ? "pass" : "stop";
  }
}
