/**
 * How many jobs a worker claims before there is room for them: as many as take some milliseconds, as far as the last
 * ones tell. So a worker with short jobs need not wait for Redis between two of them, and one with long jobs keeps
 * none from other workers.
 *
 * @module
 */

/** Milliseconds of work that are prefetched: some round trips to Redis. */
const PREFETCH_MS = 10;
/** Weight of the newest duration in the moving average. */
const WEIGHT = 0.2;

/** A clock may say that a job took no time at all. */
const SHORTEST_MS = 0.01;

/** Keeps a moving average of how long jobs take. */
export class PrefetchEstimator {
  readonly #concurrency: number;
  #meanMs = Infinity;

  /**
   * Knows of no job yet.
   *
   * @param concurrency how many jobs run at once; with 0, none is prefetched
   */
  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** How many jobs to prefetch: none, unless the last ones were short. */
  get prefetch(): number {
    return Math.floor(this.#concurrency * PREFETCH_MS / this.#meanMs);
  }

  /** A job took so many milliseconds. */
  note(milliseconds: number): void {
    const ms = Math.max(milliseconds, SHORTEST_MS);
    this.#meanMs = this.#meanMs === Infinity
      ? ms
      : this.#meanMs + (ms - this.#meanMs) * WEIGHT;
  }
}
