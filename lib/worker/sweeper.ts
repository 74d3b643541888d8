/**
 * Cleans up after dead workers, on all queues.
 *
 * @module
 */

import { Service } from "../base/service.ts";
import { encodeFailure } from "../job/result_codec.ts";
import { MAX_LOSSES } from "../store/lease.ts";
import type { SweepStore } from "../store/sweep_store.ts";
import { logError, type SteadyLog } from "./log.ts";

/** The options of a {@linkcode Sweeper}. */
export interface SweeperOptions {
  readonly sweeps: SweepStore;
  readonly log: SteadyLog;
  /** The worker's own queues, on which nobody may have enqueued a job yet. */
  readonly queues: readonly string[];
  /** Milliseconds between two passes. */
  readonly interval: number;
  readonly onError: (error: unknown) => void;
}

/** The stored failure of a job that has lost its worker too often, under RQ's name. */
const ABANDONED = encodeFailure(
  `AbandonedJobError: The worker of this job died or lost its lease ${
    MAX_LOSSES + 1
  } times while it ran nothing else; the job is not put back again`,
);

/** How long one worker's turn at a pass keeps the others from it, as a multiple of the interval. */
const TURNS = {
  /** Recovers jobs of dead workers: with an interval of three seconds, within four. */
  sweep: 1 / 3,
  /** Drops what has expired, and queues deferred jobs that nobody has released. */
  registries: 3 / 2,
  /** Drops dead workers, the cost of which grows with their number, and unique keys that nobody has freed. */
  workers: 5,
  /** Drops jobs that are gone from groups, as often as RQ does. The cost grows with the number of groups. */
  groups: 200,
} as const;

/** How many calls one pass makes for the turns of a queue: some thousand keys. */
const TURN_CALLS = 50;

/** Milliseconds for which the names of all queues are kept: less than a lease of a job from a new queue takes to run out. */
const NAMES_MS = 9_000;

/**
 * Puts jobs of dead workers back, drops what has expired, and queues deferred jobs that nobody has released.
 *
 * Every worker has one, and there is no leader: a worker that takes a turn does the pass for all, so that the cost
 * does not grow with the number of workers. A turn expires by itself: if its worker dies, the next pass is delayed
 * by at most its length.
 */
export class Sweeper extends Service {
  readonly #options: SweeperOptions;
  /** When this worker's turn at each pass ends. */
  readonly #taken = new Map<string, number>();
  #names: readonly string[] = [];
  #namesAt = -Infinity;
  /** Where the next look at the turns of each queue begins, if the last pass has not seen all. */
  readonly #turnsFrom = new Map<string, string>();
  /** The last error of each pass and queue, so that it is not reported in every pass. */
  readonly #told = new Map<string, string>();

  /** Any number of workers may have one. */
  constructor(options: SweeperOptions) {
    const { interval, onError } = options;
    super({ name: "sweeper", interval, onError });
    this.#options = options;
  }

  /** The passes over all queues for which it is this worker's turn; returns how many jobs were put back or ended. */
  override async runOnce(): Promise<number> {
    if (!await this.#takeTurn("sweep")) return 0;
    const signal = this.stopping;
    const queues = await this.#queueNames();
    const recovered = await this.#recoverAll(queues, signal);
    if (await this.#takeTurn("registries")) {
      await this.#cleanRegistries(queues, signal);
    }
    if (await this.#takeTurn("workers")) {
      await this.#dropDead(queues, signal);
      await this.#options.sweeps.cleanUnique(signal);
    }
    if (await this.#takeTurn("groups")) {
      await this.#options.sweeps.cleanGroups(signal);
    }
    return recovered;
  }

  /** One pass over some queues, without taking turns; returns how many jobs were put back or ended. */
  async sweep(
    queues: readonly string[],
    signal: AbortSignal = this.stopping,
  ): Promise<number> {
    const recovered = await this.#recoverAll(queues, signal);
    await this.#cleanRegistries(queues, signal);
    return recovered;
  }

  /** The names of all queues, as they were a moment ago. */
  async #queueNames(): Promise<readonly string[]> {
    const now = performance.now();
    if (now - this.#namesAt > NAMES_MS) {
      this.#names = await this.#options.sweeps.queueNames();
      this.#namesAt = now;
    }
    return this.#names;
  }

  async #takeTurn(pass: keyof typeof TURNS): Promise<boolean> {
    const { sweeps, interval } = this.#options;
    const now = performance.now();
    if (this.stopping.aborted || now < (this.#taken.get(pass) ?? 0)) {
      return false;
    }
    const ms = Math.ceil(interval * TURNS[pass]);
    const isTurn = await sweeps.takeTurn(pass, ms);
    if (isTurn) this.#taken.set(pass, now + ms);
    return isTurn;
  }

  /** Does what is urgent: recovers jobs, and gives on turns of fair keys. */
  async #recoverAll(
    queues: readonly string[],
    signal: AbortSignal,
  ): Promise<number> {
    const { sweeps } = this.#options;
    const found = await sweeps.having((q) => sweeps.inHandKeys(q), queues);
    if (found.length > 0) await sweeps.releaseHeld(signal);
    const counts = await this.#each(found, "sweep", async (queue) => {
      const count = await this.#recover(queue, signal);
      await this.#passTurns(queue, signal);
      return count;
    });
    return counts.reduce((sum, n) => sum + n, 0);
  }

  async #recover(queue: string, signal: AbortSignal): Promise<number> {
    const { sweeps, log } = this.#options;
    const { requeued, failed, stopped } = await sweeps.recover(
      queue,
      ABANDONED,
      signal,
    );
    for (const id of requeued) {
      log.warn(`${queue}: Job was abandoned by its worker, put back (${id})`, {
        queue,
        jobId: id,
      });
    }
    for (const id of failed) {
      log.error(`${queue}: AbandonedJobError, job failed (${id})`, {
        queue,
        jobId: id,
      });
    }
    for (const id of stopped) {
      log.info(`${queue}: Job was to be stopped, its worker is gone (${id})`, {
        queue,
        jobId: id,
      });
    }
    return requeued.length + failed.length + stopped.length;
  }

  /** Gives on turns of fair keys. With very many keys, a pass continues where the last one has stopped. */
  async #passTurns(queue: string, signal: AbortSignal): Promise<void> {
    for (let calls = 0; calls < TURN_CALLS && !signal.aborted; calls++) {
      const from = this.#turnsFrom.get(queue) ?? "0";
      const { cursor } = await this.#options.sweeps.passTurns(queue, from);
      this.#turnsFrom.set(queue, cursor);
      if (cursor === "0") break;
    }
  }

  async #cleanRegistries(
    queues: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const { sweeps } = this.#options;
    const [ended, others] = await Promise.all([
      queues.length === 1 // looking would take as long as dropping
        ? queues
        : sweeps.having(sweeps.registryKeys(["finished", "failed"]), queues),
      sweeps.having(
        sweeps.registryKeys(["canceled", "deferred", "ready"]),
        queues,
      ),
    ]);
    await sweeps.dropExpired(ended, signal);
    await this.#each(others, "registries", async (queue) => {
      await sweeps.dropCanceled(queue, signal);
      await sweeps.promoteDeferred(queue, signal);
      await sweeps.promoteReady(queue, signal);
      return 0;
    });
    if (!await sweeps.hasLimitsOrTags()) return;
    await sweeps.cleanLimits(signal);
    await sweeps.cleanTags(signal);
    await sweeps.tendGroups(signal);
  }

  async #dropDead(
    queues: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const { sweeps, log } = this.#options;
    const all = [...new Set([...queues, ...this.#options.queues])];
    for (const name of await sweeps.dropDeadWorkers(all, signal)) {
      log.debug(`Dropped dead worker ${name}`);
    }
  }

  /** Sweeps each queue. An error concerns that queue only. */
  #each(
    queues: readonly string[],
    pass: keyof typeof TURNS,
    sweep: (queue: string) => Promise<number>,
  ): Promise<number[]> {
    return Promise.all(queues.map(async (queue) => {
      const key = `${pass} ${queue}`;
      try {
        const count = await sweep(queue);
        this.#told.delete(key);
        return count;
      } catch (error) {
        const text = String(error);
        if (this.#told.get(key) !== text) {
          logError(this.#options.log, error, {
            action: `${queue}: Cannot sweep the queue`,
            facts: { queue },
          });
        }
        this.#told.set(key, text);
        return 0;
      }
    }));
  }
}
