/**
 * Cron schedulers as users see them, ours and Python's.
 *
 * @module
 */

import { parseDate } from "../base/date.ts";
import type { StoredCronScheduler } from "../store/cron_registry.ts";

/** A program that makes the jobs of schedules, as it was seen last: one of ours, or `rq cron` of Python. */
export interface CronSchedulerInfo {
  /** Its name. */
  readonly name: string;
  /** The machine that it runs on. */
  readonly hostname: string;
  /** Its process id. */
  readonly pid: number | null;
  /** The file whose schedules it keeps in Redis; `null` if it has none. */
  readonly file: string | null;
  /** When it was started. */
  readonly createdAt: Date | null;
  /** When it was seen last; one that has not been for two minutes is not listed. */
  readonly lastHeartbeat: Date;
  /** What it makes, as of then. Those of Python are nowhere else in Redis; ours share the schedules of `all()`. */
  readonly schedules: readonly CronJobInfo[];
}

/** What a cron scheduler shows of a schedule. */
export interface CronJobInfo {
  /** Its name. */
  readonly name: string;
  /** What it runs, as stored. */
  readonly funcName: string;
  /** The name of the queue that its jobs are put on. */
  readonly queue: string;
  /** The expression as RQ reads it, with the second as the sixth field; or the interval in seconds. */
  readonly when: string | { readonly every: number };
  /** When it made its last job. */
  readonly lastRun: Date | null;
  /** When it makes the next one. */
  readonly nextRun: Date | null;
}

/** Reads a scheduler. What cannot be read is left out. */
export function readCronScheduler(
  stored: StoredCronScheduler,
): CronSchedulerInfo {
  const pid = Number(stored.text("pid") ?? NaN);
  return {
    name: stored.name,
    hostname: stored.text("hostname") ?? "",
    pid: Number.isInteger(pid) ? pid : null,
    file: stored.text("config_file") ?? null,
    createdAt: parseDate(stored.text("created_at")),
    lastHeartbeat: new Date(stored.lastHeartbeat * 1_000),
    schedules: parsedList(stored.text("cron_jobs"))
      .map(readCronJob).filter((job) => job !== null),
  };
}

function parsedList(json: string | undefined): unknown[] {
  try {
    const value: unknown = JSON.parse(json ?? "[]");
    return Array.isArray(value) ? value : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

function readCronJob(value: unknown): CronJobInfo | null {
  const job: Record<string, unknown> = Object(value);
  const { cron, interval } = job;
  const when = typeof cron === "string"
    ? cron
    : typeof interval === "number"
    ? { every: interval }
    : null;
  const funcName = job["func_name"];
  if (when === null || typeof funcName !== "string") return null;
  return {
    // RQ before 3.0 has no names
    name: typeof job["name"] === "string" ? job["name"] : funcName,
    funcName,
    queue: String(job["queue_name"] ?? ""),
    when,
    lastRun: dateOf(job["latest_enqueue_time"]),
    nextRun: dateOf(job["next_enqueue_time"]),
  };
}

function dateOf(value: unknown): Date | null {
  return parseDate(typeof value === "string" ? value : undefined);
}
