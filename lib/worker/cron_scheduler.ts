/**
 * Makes the jobs of schedules when their slots come: of all schedules in Redis, whatever queues they use.
 *
 * Of all workers and cron programs, one has the turn. It sets a timer to the next slot, by Redis' clock; of one that comes
 * before all others it is told on its channel, by the script that stores the schedule. Each time that it takes the turn
 * anew it looks again, since Redis' clock may have been set. Claiming a slot does not depend on the turn: if two do it at
 * once, one of them finds it taken.
 *
 * @module
 */

import { Service } from "../base/service.ts";
import { MISSED, planSlot } from "../job/missed.ts";
import { parseTiming, timetableOf } from "../job/timetable.ts";
import { formatDate } from "../base/date.ts";
import { cronJobsOf, CronRegistry } from "../store/cron_registry.ts";
import type {
  DueSchedule,
  RunReply,
  ScheduleStore,
  SlotClaim,
} from "../store/schedule_store.ts";
import type { SweepStore } from "../store/sweep_store.ts";
import type { CronFile } from "./cron_file.ts";
import { hostname } from "./hostname.ts";
import type { SteadyLog } from "./log.ts";

/** The options of a {@linkcode CronScheduler}. */
export interface CronSchedulerOptions {
  readonly schedules: ScheduleStore;
  readonly sweeps: SweepStore;
  /** The file whose schedules it keeps in Redis, if there is one. */
  readonly file?: CronFile | undefined;
  /** The worker's name, and so its channel. */
  readonly name: string;
  readonly log: SteadyLog;
  readonly onError: (error: unknown) => void;
}

/**
 * Milliseconds that a turn lasts, and after which a worker that did not get it asks again. If the worker with the turn
 * dies, schedules wait for twice that time at the most.
 */
const TURN_MS = 5_000;
/** Milliseconds between two heartbeats in RQ's registry of cron schedulers, as RQ's own have them. */
const HEARTBEAT_MS = 60_000;
/** The shortest pause in milliseconds: slots that come right after one another are claimed together. */
const LEAST_PAUSE = 20;

/** See the module. */
export class CronScheduler extends Service {
  readonly #options: CronSchedulerOptions;
  /** Times are milliseconds of the worker's clock, which cannot be set. */
  #askAt = 0;
  #turnEnds = 0;
  #dueAt = Infinity;
  #heartbeatAt = 0;
  #isShown = false;
  readonly #registry: CronRegistry;
  readonly #createdAt: string = formatDate();
  /** The last error, so that it is not reported at each turn. */
  #told: string | undefined;

  /** Any number of workers may have one. */
  constructor(options: CronSchedulerOptions) {
    const { onError } = options;
    super({ name: "cron scheduler", interval: TURN_MS, onError });
    this.#options = options;
    const { client, keys } = options.schedules;
    this.#registry = new CronRegistry(client, keys);
  }

  /** Does what is to be done by now; returns how many slots were claimed. */
  override async runOnce(): Promise<number> {
    try {
      const count = await this.#pass();
      this.#told = undefined;
      return count;
    } catch (error) {
      this.#dueAt = Infinity; // the next turn looks again
      this.#tell(error);
      return 0;
    }
  }

  #tell(error: unknown): void {
    if (this.#told !== String(error)) this.#options.onError(error);
    this.#told = String(error);
  }

  /** Claims all slots that have come, whoever has the turn; returns how many. */
  async claimDue(signal: AbortSignal = this.stopping): Promise<number> {
    const { schedules } = this.#options;
    let [count, last] = [0, 1];
    // Where others have claimed all of them, the next turn looks again.
    while (last > 0 && !signal.aborted) {
      this.#dueAt = Infinity; // expect() may set it meanwhile
      const { now, nextMs, due } = await schedules.due();
      this.#dueAt = Math.min(this.#dueAt, this.clock.now() + nextMs);
      const claims = due.map((schedule) => this.#claim(schedule, now));
      last = (await Promise.all(claims)).filter((done) => done).length;
      count += last;
    }
    return count;
  }

  /** Notes that a slot comes in so many milliseconds, possibly before those that are known. */
  expect(ms: number): void {
    if (!(ms >= 0)) return;
    const dueAt = this.clock.now() + ms;
    if (dueAt >= this.#dueAt) return;
    this.#dueAt = dueAt;
    this.reconsider();
  }

  protected override pauseMs(): number {
    const now = this.clock.now();
    const next = this.#turnEnds > now
      ? Math.min(this.#askAt, this.#dueAt)
      : this.#askAt;
    return Math.max(LEAST_PAUSE, next - now);
  }

  async #pass(): Promise<number> {
    if (this.clock.now() >= this.#askAt) await this.#ask();
    const now = this.clock.now();
    return now < this.#turnEnds && now >= this.#dueAt
      ? await this.claimDue()
      : 0;
  }

  /** Asks for the turn. The worker that gets it looks at once. */
  async #ask(): Promise<void> {
    const { sweeps, name, file } = this.#options;
    // Not in step with the other workers.
    this.#askAt = this.clock.now() + TURN_MS * (1 - Math.random() / 5);
    const hasTurn = await sweeps.takeTurn("schedules", TURN_MS, name);
    if (hasTurn) {
      // A little later than in Redis, where the turn then has ended.
      this.#turnEnds = this.#askAt = this.clock.now() + TURN_MS;
      this.#dueAt = 0;
    }
    if (!hasTurn && file === undefined) return;
    try {
      await this.#heartbeat();
    } catch (error) {
      this.#options.onError(error); // slots do not depend on it
    }
  }

  /**
   * Shows itself to RQ's tools. Of workers without a file, only those do that have had the turn, since those are the ones
   * that have made jobs.
   */
  async #heartbeat(): Promise<void> {
    const { schedules, name, file } = this.#options;
    if (this.clock.now() < this.#heartbeatAt) return;
    this.#heartbeatAt = this.clock.now() + HEARTBEAT_MS;
    await file?.restore();
    const all = await schedules.first();
    if (all.length === 0 && file === undefined) return;
    await this.#registry.show(name, await schedules.now(), {
      hostname: hostname(),
      pid: Deno.pid,
      name,
      created_at: this.#createdAt,
      config_file: file?.name ?? "",
      cron_jobs: cronJobsOf(all),
    });
    this.#isShown = true;
  }

  /** Stops, and is shown no longer. */
  override async stop(): Promise<void> {
    await super.stop();
    if (!this.#isShown) return;
    this.#isShown = false;
    await this.#registry.hide(this.#options.name);
  }

  /** Claims a slot; returns whether nobody else had. A schedule that cannot be read is marked, and no longer due. */
  async #claim(schedule: DueSchedule, now: number): Promise<boolean> {
    const { schedules, log } = this.#options;
    const { name } = schedule;
    let claim: SlotClaim;
    try {
      claim = claimOf(schedule, now);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      log.error(`Schedule "${name}" cannot be read: ${error.message}`);
      return await schedules.break(name, error.message);
    }
    const reply = await schedules.claim(schedule, claim);
    this.#say(name, reply);
    return reply.outcome !== "taken";
  }

  #say(name: string, { outcome, jobId, other, why }: RunReply): void {
    const { log } = this.#options;
    const facts = jobId === "" ? {} : { jobId };
    const about = `Schedule "${name}":`;
    if (outcome === "enqueued") {
      const instead = other === "" ? "" : `, ${other} canceled`;
      log.info(`${about} enqueued ${jobId}${instead}`, facts);
    } else if (outcome === "skipped") {
      log.info(`${about} skipped, ${other} has not ended`);
    } else if (outcome === "missed") log.warn(`${about} missed, too late`);
    else if (outcome === "refused") log.error(`${about} refused, ${why}`);
  }
}

/**
 * Which slot to claim.
 *
 * @throws {Error} If what is stored cannot be read.
 */
function claimOf(
  { slot, timing, start, missed }: DueSchedule,
  now: number,
): SlotClaim {
  const [due, first] = [Number(slot), Number(start)];
  if (!Number.isInteger(due) || start === "" || !Number.isInteger(first)) {
    throw new RangeError(
      `its slot "${slot}", or the first one "${start}", is no whole number`,
    );
  }
  const policy = MISSED.find((one) => one === missed);
  if (policy === undefined) {
    throw new RangeError(`"${missed}" says nothing of runs that were missed`);
  }
  const timetable = timetableOf(parseTiming(timing), first);
  return planSlot(timetable, due, now, policy);
}
