/**
 * Estimates how many jobs a worker should prefetch: as many as take some milliseconds, judging by the last ones. So a
 * worker with short jobs need not wait for Redis between two jobs, and a worker with long jobs withholds none from
 * other workers.
 *
 * @module
 */

/** Milliseconds of work that are prefetched: some round trips to Redis. */
const PREFETCH_MS = 10;
/** Weight of the newest duration in the moving average. */
const WEIGHT = 0.2;

/** The shortest duration: by the clock, a job may take no time at all. */
const SHORTEST_MS = 0.01;

/** Keeps a moving average of how long jobs take. */
export class PrefetchEstimator {
  readonly #concurrency: number;
  #meanMs = Infinity;

  /**
   * Starts without durations.
   *
   * @param concurrency How many jobs run at once; with 0, none is prefetched.
   */
  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** How many jobs to prefetch: none, unless the last ones were short. */
  get prefetch(): number {
    return Math.floor(this.#concurrency * PREFETCH_MS / this.#meanMs);
  }

  /** Adds the duration of a job. */
  note(milliseconds: number): void {
    const ms = Math.max(milliseconds, SHORTEST_MS);
    this.#meanMs = this.#meanMs === Infinity
      ? ms
      : this.#meanMs + (ms - this.#meanMs) * WEIGHT;
  }
}
