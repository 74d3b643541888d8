/**
 * Queues scheduled jobs when they are due, and those that wait for their rate limit when its window opens.
 *
 * Of several workers with the same queues, one has the turn. It sets a timer to the next due time, by Redis' clock, so that
 * an idle worker gets the job a moment after that. Of a job that is due before all others it is told on its channel, by the
 * script that schedules the job. Python's producers tell nobody: for their jobs it looks each second. A worker without the
 * turn asks for it now and then.
 *
 * @module
 */

import { Service } from "../base/service.ts";
import type { SweepStore } from "../store/sweep_store.ts";

/** The options of a {@linkcode Scheduler}. */
export interface SchedulerOptions {
  readonly sweeps: SweepStore;
  readonly queues: readonly string[];
  /** The worker's name, and so its channel. */
  readonly name: string;
  readonly onError: (error: unknown) => void;
}

/** Milliseconds between two looks at what is scheduled. */
const LOOK_MS = 1_000;
/**
 * Milliseconds that a turn lasts, and after which a worker that did not get it asks again. If the worker with the turn
 * dies, scheduled jobs wait for twice that time at the most.
 */
const TURN_MS = 3_000;
/** Milliseconds after which a worker that keeps its turn announces that again: one with other queues may have done so. */
const ANNOUNCE_MS = 30_000;
/** How many seconds an announcement is valid: longer than until the next one. */
const ANNOUNCED_SECONDS = 60;
/** The shortest pause in milliseconds: jobs that are due one right after the other are queued together. */
const LEAST_PAUSE = 20;
/** Milliseconds after which the time until the next job is asked for again: Redis' clock may be set. */
const TRUST_MS = 10_000;

/** What is known of one queue. Times are milliseconds of the worker's clock, which cannot be set. */
interface Schedule {
  /** When the next job is due; `Infinity` if none is known. */
  dueAt: number;
  /** The score of the scheduled job that a look has found to be due first, if there was one. */
  first: string | undefined;
  /** Until when `dueAt` is trusted as long as that job is the first. */
  trustUntil: number;
  /** The last error, so that it is not reported every second. */
  told: string | undefined;
}

/** See the module. A queue is left to a Python scheduler that holds RQ's lock. */
export class Scheduler extends Service {
  readonly #options: SchedulerOptions;
  readonly #turn: string;
  readonly #schedules: ReadonlyMap<string, Schedule>;
  #askAt = 0;
  #turnEnds = 0;
  #announceAt = 0;
  #lookAt = 0;

  /** Any number of workers may have one. */
  constructor(options: SchedulerOptions) {
    const { queues, onError } = options;
    super({ name: "scheduler", interval: LOOK_MS, onError });
    this.#options = options;
    this.#turn = `scheduler:${queues.toSorted().join(",")}`;
    this.#schedules = new Map(queues.map((queue) => [queue, unknown()]));
  }

  /** Does what is to be done by now; returns how many jobs were queued. */
  override async runOnce(): Promise<number> {
    if (this.clock.now() >= this.#askAt) await this.#ask();
    const now = this.clock.now();
    if (now >= this.#turnEnds) return 0;
    const due = this.#queues.filter((queue) => now >= this.#of(queue).dueAt);
    let moved = await this.#each(due, (queue) => this.#promote(queue));
    if (now >= this.#lookAt) moved += await this.#look();
    return moved;
  }

  /** Queues all that is due, whoever has the turn; returns how many jobs that were. */
  async promote(signal?: AbortSignal): Promise<number> {
    const queues = await this.#havingDue();
    return await this.#each(queues, (queue) => this.#promote(queue, signal));
  }

  /** Notes that a job of a queue is due in so many milliseconds, possibly before those that are known. */
  expect(queue: string, ms: number): void {
    const schedule = this.#schedules.get(queue);
    if (schedule === undefined || !(ms >= 0)) return;
    const dueAt = this.clock.now() + ms;
    if (dueAt >= schedule.dueAt) return;
    schedule.dueAt = dueAt;
    this.reconsider();
  }

  protected override pauseMs(): number {
    const now = this.clock.now();
    let next = this.#askAt;
    if (this.#turnEnds > now) {
      next = Math.min(next, this.#lookAt);
      for (const { dueAt } of this.#schedules.values()) {
        next = Math.min(next, dueAt);
      }
    }
    return Math.max(LEAST_PAUSE, next - now);
  }

  get #queues(): string[] {
    return [...this.#schedules.keys()];
  }

  #of(queue: string): Schedule {
    return this.#schedules.get(queue)!;
  }

  /** Asks for the turn. The worker that gets it looks at once, for jobs of which it was not told. */
  async #ask(): Promise<void> {
    const { sweeps, queues, name } = this.#options;
    // Not in step with the other workers.
    this.#askAt = this.clock.now() + TURN_MS * (1 - Math.random() / 5);
    if (!await sweeps.takeTurn(this.#turn, TURN_MS)) {
      this.#announceAt = 0;
      return;
    }
    if (this.#announceAt === 0) {
      // Whoever had the turn before was told what is due.
      for (const schedule of this.#schedules.values()) schedule.trustUntil = 0;
    }
    // A little later than in Redis, where the turn then has ended.
    this.#turnEnds = this.#askAt = this.clock.now() + TURN_MS;
    this.#lookAt = 0;
    if (this.#turnEnds < this.#announceAt) return;
    // Last: a full Redis refuses it.
    await sweeps.announceScheduler(queues, name, ANNOUNCED_SECONDS);
    this.#announceAt = this.#turnEnds + ANNOUNCE_MS;
  }

  async #look(): Promise<number> {
    this.#lookAt = this.clock.now() + LOOK_MS;
    const queues = await this.#havingDue();
    return await this.#each(queues, (queue) => this.#lookAtQueue(queue));
  }

  async #lookAtQueue(queue: string): Promise<number> {
    const schedule = this.#of(queue);
    // Only Python's producers schedule jobs without telling: what limits wait for need not be looked at.
    const first = await this.#options.sweeps.firstScheduled(queue);
    const isKnown = first === schedule.first &&
      this.clock.now() < schedule.trustUntil;
    if (isKnown) return 0;
    schedule.first = first;
    return await this.#promote(queue);
  }

  async #promote(queue: string, signal = this.stopping): Promise<number> {
    const { sweeps } = this.#options;
    const schedule = this.#of(queue);
    schedule.dueAt = Infinity; // expect() may set it meanwhile
    const [scheduled, limited] = await Promise.all([
      sweeps.promoteScheduled(queue, signal),
      sweeps.lookAtLimits(queue, signal),
    ]);
    const nextMs = Math.min(scheduled.nextMs, limited.nextMs);
    const now = this.clock.now();
    schedule.dueAt = Math.min(schedule.dueAt, now + nextMs);
    // The next look asks again for a job that is left to Python: the lock may be gone by then.
    schedule.trustUntil = scheduled.moved === -1 ? 0 : now + TRUST_MS;
    return Math.max(scheduled.moved, 0) + limited.moved;
  }

  /** The queues on which something may become due: mostly there is nothing, which one command tells. */
  async #havingDue(): Promise<string[]> {
    const { sweeps } = this.#options;
    return await sweeps.having((queue) => sweeps.dueKeys(queue), this.#queues);
  }

  /** Does the same for some queues; returns the sum. An error concerns its queue only. */
  async #each(
    queues: readonly string[],
    pass: (queue: string) => Promise<number>,
  ): Promise<number> {
    const counts = await Promise.all(queues.map(async (queue) => {
      const schedule = this.#of(queue);
      try {
        const count = await pass(queue);
        schedule.told = undefined;
        return count;
      } catch (error) {
        schedule.trustUntil = 0;
        if (schedule.told !== String(error)) this.#options.onError(error);
        schedule.told = String(error);
        return 0;
      }
    }));
    return counts.reduce((sum, n) => sum + n, 0);
  }
}

function unknown(): Schedule {
  return {
    dueAt: Infinity,
    first: undefined,
    trustUntil: 0,
    told: undefined,
  };
}
