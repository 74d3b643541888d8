/**
 * How many jobs a worker claims before there is room for them.
 *
 * @module
 */

/** Milliseconds of work that are claimed ahead. */
const AHEAD_MS = 10;
/** How much of what is known a further job changes. */
const WEIGHT = 0.2;

/** A clock may say that a job took no time at all. */
const SHORTEST_MS = 0.01;

/** Watches how long jobs take. */
export class Pace {
  readonly #concurrency: number;
  #mean = Infinity;

  /**
   * Knows nothing yet.
   *
   * @param concurrency how many jobs run at once; with 0, none is claimed ahead
   */
  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** How many jobs are some milliseconds of work: none, unless the last ones were short. */
  get ahead(): number {
    return Math.floor(this.#concurrency * AHEAD_MS / this.#mean);
  }

  /** A job took so many milliseconds. */
  note(milliseconds: number): void {
    const ms = Math.max(milliseconds, SHORTEST_MS);
    this.#mean = this.#mean === Infinity
      ? ms
      : this.#mean + (ms - this.#mean) * WEIGHT;
  }
}
