/**
 * Schedules and their runs as users see them, out of what is stored.
 *
 * @module
 */

import { dateOfSeconds } from "../base/date.ts";
import { MISSED, type Missed } from "../job/missed.ts";
import { parseTiming, type When } from "../job/timetable.ts";
import type { StoredSchedule } from "../store/schedule_store.ts";
import { type Overlap, OVERLAPS } from "./prepare_schedule.ts";

/** A schedule, as it was when it was read. */
export interface Schedule {
  /** Its name. */
  readonly name: string;
  /** When it runs: a cron expression, or an interval in seconds. */
  readonly when: When;
  /** The time zone of the expression; `null` for an interval. */
  readonly timeZone: string | null;
  /** The name of the queue that its jobs are put on. */
  readonly queue: string;
  /** What it runs, as stored. */
  readonly funcName: string;
  /** See `ScheduleOptions`. */
  readonly overlap: Overlap;
  /** See `ScheduleOptions`. */
  readonly missed: Missed;
  /** When it runs next; `null` while it is paused. */
  readonly nextRun: Date | null;
  /** When it made its last job; `null` if it has made none. */
  readonly lastRun: Date | null;
  /** The id of that job. */
  readonly lastJobId: string | null;
  /** Whether it is paused. */
  readonly paused: boolean;
  /** The file that declares it, relative to its project; `null` if it was made by a call. */
  readonly file: string | null;
  /** Why it does not run, if what is stored of it cannot be read. */
  readonly error: string | null;
}

/** What came of a run. */
export type RunOutcome = "enqueued" | "skipped" | "missed" | "refused";

/** One run of a schedule. */
export interface ScheduleRun {
  /**
   * `enqueued`: its job was made. `skipped`: the job of an earlier run had not ended. `missed`: no worker was there in
   * time. `refused`: its job could not be made; `error` says why.
   */
  readonly outcome: RunOutcome;
  /** When that was. */
  readonly at: Date;
  /** The time for which it was planned; `null` if it was asked for by `runNow()`. */
  readonly slot: Date | null;
  /** If it also stands for earlier runs that were missed: since when. */
  readonly missedSince: Date | null;
  /** The id of its job; `null` if there is none. */
  readonly jobId: string | null;
  /** The job that had not ended: this run was skipped for it, or has canceled it. */
  readonly otherJobId: string | null;
  /** Why it was refused. */
  readonly error: string | null;
}

const OUTCOMES: readonly RunOutcome[] = [
  "enqueued",
  "skipped",
  "missed",
  "refused",
];

/** Reads a schedule. What cannot be read is shown as far as it can. */
export function readSchedule(stored: StoredSchedule): Schedule {
  const { name, next } = stored;
  const text = (field: Parameters<StoredSchedule["text"]>[0]) =>
    stored.text(field) ?? "";
  const { when, timeZone, error } = readTiming(text("timing"));
  return {
    name,
    when,
    timeZone,
    queue: text("queue"),
    funcName: text("func_name"),
    overlap: OVERLAPS.find((one) => one === text("overlap")) ?? "allow",
    missed: MISSED.find((one) => one === text("missed")) ?? "once",
    nextRun: dateOfSeconds(next),
    lastRun: dateOfSeconds(stored.text("last_run")),
    lastJobId: stored.text("last_job") ?? null,
    paused: text("paused") === "1",
    file: stored.text("owner") ?? null,
    error: stored.text("broken") ?? error,
  };
}

function readTiming(
  text: string,
): Pick<Schedule, "when" | "timeZone" | "error"> {
  try {
    const timing = parseTiming(text);
    return "cron" in timing
      ? { when: timing.cron, timeZone: timing.timeZone, error: null }
      : { when: { every: timing.every }, timeZone: null, error: null };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { when: text, timeZone: null, error: error.message };
  }
}

/** Reads a run; `null` if it is none. */
export function readRun(json: string): ScheduleRun | null {
  const run = parsed(json);
  const outcome = OUTCOMES.find((one) => one === run["outcome"]);
  const at = dateOfSeconds(run["at"]);
  if (outcome === undefined || at === null) return null;
  return {
    outcome,
    at,
    slot: dateOfSeconds(run["slot"]),
    missedSince: dateOfSeconds(run["since"]),
    jobId: textOf(run["job"]),
    otherJobId: textOf(run["other"]),
    error: textOf(run["why"]),
  };
}

function parsed(json: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(json));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
