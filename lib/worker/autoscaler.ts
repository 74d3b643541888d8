/**
 * How many workers a pool has, between two bounds.
 *
 * @module
 */

/** For how long a worker has to be idle before it may leave, in milliseconds. */
const IDLE_MS = 60_000;

/** What a pool sees of its workers. */
export interface PoolView {
  /** How many jobs wait. */
  readonly waiting: number;
  /** The workers that take jobs, by name, and their states. */
  readonly states: ReadonlyMap<string, string>;
  /** How many more have been started and do not listen yet. */
  readonly starting: number;
}

/** What is to be done. */
export interface Scaling {
  /** How many workers are to be started. */
  readonly start: number;
  /** The worker that is to leave. */
  readonly leave?: string;
}

/** The options of an {@linkcode Autoscaler}. */
export interface AutoscalerOptions {
  readonly min: number;
  readonly max: number;
  /** A clock in milliseconds. @default performance.now */
  readonly now?: () => number;
}

const NOTHING: Scaling = { start: 0 };

/**
 * Starts workers while jobs wait and nobody is idle, at most twice as many as there are; lets one that has been idle for
 * a minute go. Jobs that wait while somebody is idle are none that a worker could take: of a paused queue, or behind a
 * suspension. And jobs that are seen once may be taken the next moment: so it looks twice.
 */
export class Autoscaler {
  readonly #options: AutoscalerOptions;
  readonly #now: () => number;
  #idleSince: ReadonlyMap<string, number> = new Map();
  /** Whether there were too few workers at the last look. */
  #wereTooFew = false;

  /** Starts without having seen anything. */
  constructor(options: AutoscalerOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Decides what to do, from what is seen now. Call it every few seconds. */
  decide({ waiting, states, starting }: PoolView): Scaling {
    const { min, max } = this.#options;
    const now = this.#now();
    const idle = [...states].filter(([, state]) => state === "idle")
      .map(([name]) => name);
    this.#idleSince = new Map(
      idle.map((name) => [name, this.#idleSince.get(name) ?? now]),
    );
    const count = states.size + starting;
    const allWork = [...states.values()].every((state) => state === "busy");
    const areTooFew = waiting > 0 && allWork && starting === 0;
    const isSure = areTooFew && this.#wereTooFew;
    this.#wereTooFew = areTooFew;
    if (isSure) {
      return { start: Math.max(0, Math.min(waiting, count, max - count)) };
    }
    const longest = [...this.#idleSince].toSorted(([, a], [, b]) => a - b)[0];
    if (longest === undefined || count <= min) return NOTHING;
    const [leave, since] = longest;
    return now - since < IDLE_MS ? NOTHING : { start: 0, leave };
  }
}
