/**
 * The `Schedules` of the public API.
 *
 * @module
 */

import {
  InvalidJobOperationError,
  NoSuchScheduleError,
} from "../base/errors.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import { checkScheduleName } from "../job/names.ts";
import { JobRecord } from "../job/record.ts";
import type { JobFunction } from "../job/stored.ts";
import {
  firstSlot,
  parseTiming,
  timetableOf,
  type When,
} from "../job/timetable.ts";
import type { Connection, ConnectionOptions } from "../store/connection.ts";
import { CronRegistry } from "../store/cron_registry.ts";
import { ScheduleStore, type StoredSchedule } from "../store/schedule_store.ts";
import { type Context, openContext } from "./context.ts";
import {
  type CronSchedulerInfo,
  readCronScheduler,
} from "./cron_scheduler_info.ts";
import { type Job, newJob } from "./job.ts";
import { checkSchedule, type ScheduleOptions } from "./prepare_schedule.ts";
import {
  readRun,
  readSchedule,
  type Schedule,
  type ScheduleRun,
} from "./schedule_info.ts";

/** Options of {@linkcode Schedules.runs}. */
export interface RunsOptions {
  /**
   * How many, the latest first.
   *
   * @default 100, as many as are remembered
   */
  readonly limit?: number;
}

const RUNS_OPTIONS = optionNames<RunsOptions>({ limit: true });

/**
 * The schedules in Redis: jobs that are made again and again, at the times of a cron expression or after an interval.
 *
 * A schedule stays in Redis until it is removed, whatever becomes of the program that has made it. Any worker makes the
 * jobs that are due, of all queues, and so does the program `worker.ts cron FILE`: each once, however many there are.
 *
 * @example
 * ```ts ignore
 * import { Schedules } from "@deno-rq/rq";
 * import { report } from "./jobs.ts";
 *
 * await using schedules = new Schedules();
 * await schedules.upsert("nightly report", "0 2 * * *", {
 *   func: report,
 *   args: ["all"],
 *   queue: "low",
 *   timeZone: "Europe/Berlin",
 * });
 * await schedules.upsert("poll", { every: "15m" }, { func: "jobs.poll" });
 * ```
 */
export class Schedules implements AsyncDisposable {
  readonly #context: Context;
  readonly #store: ScheduleStore;

  /**
   * Connects on the first call.
   *
   * @throws {RangeError | TypeError} If an option is invalid.
   */
  constructor(options: ConnectionOptions = {}) {
    this.#context = openContext(options, "Cannot open schedules");
    const { client, keys } = this.#context.store;
    this.#store = new ScheduleStore(client, keys);
  }

  /** The connection, which queues, jobs and workers can share. */
  get connection(): Connection {
    return this.#context.client;
  }

  /**
   * Creates a schedule, or changes the one of that name. If only what it runs is changed, its next run stays when it
   * was; so every program may call this at its start. A paused one stays paused.
   *
   * The first run of an interval is due at once, the others in even steps from there.
   *
   * @param name Its name, which every program that means it uses.
   * @param when A cron expression of five fields, or six with the second before them; or an interval.
   * @param options What it runs: every option of a job, and more.
   * @throws {RangeError | TypeError} It names what is wrong, and says what it could be. Nothing is stored then.
   */
  async upsert<F extends JobFunction>(
    name: string,
    when: When,
    options: ScheduleOptions<F>,
  ): Promise<void> {
    const checked = checkSchedule(name, when, options, this.#context);
    const schedule = await checked.prepare();
    const now = await this.#store.now();
    await this.#store.upsert(schedule, firstSlot(checked.timing, now));
  }

  /** All schedules, those that run next first. */
  async all(): Promise<Schedule[]> {
    return (await this.#store.all()).map(readSchedule);
  }

  /** The schedule of a name, or `null`. */
  async get(name: string): Promise<Schedule | null> {
    const found = await this.#store.fetch(checkScheduleName(name));
    return found && readSchedule(found);
  }

  /**
   * Lets a schedule rest until {@linkcode Schedules.resume}. Its jobs that are there already run.
   *
   * @throws {NoSuchScheduleError} If there is none of that name.
   */
  async pause(name: string): Promise<void> {
    const found = await this.#store.pause(checkScheduleName(name));
    if (!found) throw noSuchSchedule(name);
  }

  /**
   * Lets a paused schedule go on with its next slot; those of the pause are left out.
   *
   * @throws {NoSuchScheduleError} If there is none of that name.
   */
  async resume(name: string): Promise<void> {
    const found = await this.#store.fetch(checkScheduleName(name));
    if (found === null) throw noSuchSchedule(name);
    const next = nextSlot(found, await this.#store.now());
    if (!await this.#store.resume(name, next)) throw noSuchSchedule(name);
  }

  /**
   * Makes the job of a schedule now, a paused one's too. Its slots stay as they are.
   *
   * @throws {NoSuchScheduleError} If there is none of that name.
   * @throws {InvalidJobOperationError} If the job of the last run has not ended, and `overlap` is `skip`.
   */
  async runNow(name: string): Promise<Job> {
    const run = await this.#store.runNow(checkScheduleName(name));
    const { outcome, jobId, other, why } = run;
    const { store } = this.#context;
    if (outcome === "enqueued") {
      const record = await store.fetch(jobId) ??
        new JobRecord(jobId, new Map());
      return newJob(jobId, this.#context, () => record);
    }
    if (outcome === "gone") throw noSuchSchedule(name);
    if (outcome !== "skipped") {
      throw new Error(`Cannot run schedule "${name}" now: ${why}`);
    }
    throw new InvalidJobOperationError(
      `Cannot run schedule "${name}" now: job "${other}" of its last run has not ended`,
      { jobId: other, status: await store.status(other) },
    );
  }

  /** Removes a schedule; `false` if there was none of that name. Its jobs stay. */
  remove(name: string): Promise<boolean> {
    return this.#store.remove(checkScheduleName(name));
  }

  /** The last runs of a schedule, the latest first; a hundred are remembered. */
  async runs(name: string, options: RunsOptions = {}): Promise<ScheduleRun[]> {
    refuseUnknown(options, RUNS_OPTIONS, "Cannot list runs");
    const { limit = 100 } = options;
    if (!Number.isInteger(limit) || limit < 1) {
      throw new RangeError(
        `Cannot list runs: expected a whole number from 1 as the limit, got ${
          String(limit)
        }`,
      );
    }
    const runs = await this.#store.runs(checkScheduleName(name), limit);
    return runs.map(readRun).filter((run) => run !== null);
  }

  /**
   * The programs that make the jobs of schedules, as far as they are in Redis: of ours those that have a file, and those
   * that have made jobs in the last two minutes; of Python those of `rq cron`.
   */
  async schedulers(): Promise<CronSchedulerInfo[]> {
    const { client, keys } = this.#store;
    const registry = new CronRegistry(client, keys);
    return (await registry.all(await this.#store.now())).map(readCronScheduler);
  }

  /** Closes the connection, unless `connection` was an open one. */
  close(): Promise<void> {
    return this.#context.close();
  }

  /** The same as {@linkcode Schedules.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The slot after a pause. One that has been claimed is not claimed again, although the clock may have been set back. */
function nextSlot(found: StoredSchedule, now: number): number {
  const timing = parseTiming(found.text("timing"));
  const start = Number(found.text("start")) || now;
  const after = Math.max(now, Number(found.text("last_slot")) || 0);
  const next = timetableOf(timing, start).next(after);
  if (next !== undefined) return next;
  throw new RangeError(
    `Cannot resume schedule "${found.name}": there is no such date`,
  );
}

function noSuchSchedule(name: string): NoSuchScheduleError {
  return new NoSuchScheduleError(`There is no schedule "${name}"`, {
    schedule: name,
  });
}
