/** What the measurements share: the server, the scale of the run, and how they are declared. */

import type { BenchOptions } from "./options.ts";
import type { Probe } from "./probe.ts";
import type { System } from "./systems.ts";

/** One number that is measured. */
export interface Metric {
  /** As in JSON and in the goals: `"enqueue.one"`. */
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  /** @default true; others are in the JSON only */
  readonly shown?: boolean;
}

/** Numbers by the ids of their metrics; what could not be read is left out. */
export type Readings = Readonly<Record<string, number | undefined>>;

/** What is run for one system after the other. */
export interface Measurement {
  readonly name: string;
  readonly metrics: readonly Metric[];
  /** Once in a run rather than once in a round. @default false */
  readonly once?: boolean;
  /**
   * Measures one system on an empty database.
   *
   * @throws {NotApplicable} if there is nothing to measure
   */
  run(system: System, context: Context): Promise<Readings>;
}

/** How much is done. */
export interface Scale {
  /** Seconds that a rate is measured for. */
  readonly seconds: number;
  /** Samples of a latency. */
  readonly samples: number;
  /** Milliseconds before each sample, in which a worker becomes idle. */
  readonly gapMs: number;
  /** Jobs whose memory is added up. */
  readonly memoryJobs: number;
  /** Jobs in a long queue. */
  readonly depth: number;
  /** How often the cost of a job is measured at each length of the queue. */
  readonly repeats: number;
}

/** Returned by {@linkcode scaleOf} without `--quick`. */
const FULL: Scale = {
  seconds: 2,
  samples: 100,
  gapMs: 50,
  memoryJobs: 1_000,
  depth: 1_000_000,
  repeats: 7,
};

const QUICK: Scale = {
  seconds: 0.6,
  samples: 30,
  gapMs: 40,
  memoryJobs: 1_000,
  depth: 100_000,
  repeats: 1,
};

/** How much a run does. */
export function scaleOf({ quick }: BenchOptions): Scale {
  return quick ? QUICK : FULL;
}

/** How many jobs an `addBulk` or the like is given at a time: more makes none of the systems faster. */
export const BULK_CHUNK = 1_000;

/** What measurements need. */
export interface Context {
  readonly probe: Probe;
  readonly scale: Scale;
  readonly sizer: Sizer;
  readonly cores: number;
  readonly verbose: boolean;
}

/** Chooses how many jobs take the time that a measurement should last, from the rate seen last. */
export class Sizer {
  readonly #rates = new Map<string, number>();
  readonly #seconds: number;

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  /** A number of jobs. */
  size(key: string, first: number, most = 100_000): number {
    const rate = this.#rates.get(key);
    const wanted = rate === undefined ? first : rate * this.#seconds;
    return Math.round(Math.min(most, Math.max(first / 2, wanted)));
  }

  /** Remembers the rate, in jobs per second. */
  saw(key: string, rate: number): void {
    this.#rates.set(key, rate);
  }
}

/** Waits a moment. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
