/**
 * Cron schedulers as RQ knows them (`rq/cron.py`, `rq/cron_scheduler_registry.py`): its tools list ours, and ours list
 * Python's. A scheduler is shown for two minutes after its last heartbeat.
 *
 * @module
 */

import { formatDate } from "../base/date.ts";
import type { RedisClient } from "../redis/redis_client.ts";
import type { CronSchedulerFields } from "./fields.ts";
import type { Keys } from "./keys.ts";
import { list, noWrongType, texts } from "./replies.ts";
import type { StoredSchedule } from "./schedule_store.ts";

/** RQ's `DEFAULT_CRON_SCHEDULER_TTL`, in seconds. */
const SHOWN_SECONDS = 120;

const RESEND = { resend: true } as const;

/** A scheduler as stored, whoever wrote it. */
export interface StoredCronScheduler {
  readonly name: string;
  /** In seconds since 1970. */
  readonly lastHeartbeat: number;
  /** A field of its hash. */
  text(field: keyof CronSchedulerFields): string | undefined;
}

/** See the module. */
export class CronRegistry {
  readonly #client: RedisClient;
  readonly #keys: Keys;

  /** Works on one connection and under one prefix. */
  constructor(client: RedisClient, keys: Keys) {
    this.#client = client;
    this.#keys = keys;
  }

  /** Shows a scheduler, or that it is still there. */
  async show(
    name: string,
    now: number,
    fields: CronSchedulerFields,
  ): Promise<void> {
    const key = this.#keys.cronScheduler(name);
    const values = Object.entries(fields).flat();
    await Promise.all([
      this.#client.send("HSET", [key, ...values], RESEND),
      this.#client.send("EXPIRE", [key, SHOWN_SECONDS], RESEND),
      this.#client.send("ZADD", [this.#keys.cronSchedulers, now, name], RESEND),
    ]);
  }

  /** Shows it no longer. */
  async hide(name: string): Promise<void> {
    await Promise.all([
      this.#client.send("ZREM", [this.#keys.cronSchedulers, name], RESEND),
      this.#client.send("DEL", [this.#keys.cronScheduler(name)], RESEND),
    ]);
  }

  /** All that have been seen in the last two minutes, those that began first. */
  async all(now: number): Promise<StoredCronScheduler[]> {
    const args = [
      this.#keys.cronSchedulers,
      now - SHOWN_SECONDS,
      "+inf",
      "WITHSCORES",
    ];
    const pairs = texts(await this.#client.send("ZRANGEBYSCORE", args, RESEND));
    const found: StoredCronScheduler[] = [];
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      const [name, score] = [pairs[i]!, Number(pairs[i + 1])];
      const hash = this.#client.send(
        "HGETALL",
        [this.#keys.cronScheduler(name)],
        RESEND,
      );
      const values = texts(list(await noWrongType(hash)));
      const fields = new Map<string, string>();
      for (let k = 0; k + 1 < values.length; k += 2) {
        fields.set(values[k]!, values[k + 1]!);
      }
      if (fields.size === 0) continue;
      found.push({
        name,
        lastHeartbeat: score,
        text: (field) => fields.get(field) || undefined,
      });
    }
    return found;
  }
}

/** How many schedules are shown with each scheduler. */
const MOST_SHOWN = 100;

/** Schedules as `rq.cron.CronJob.to_dict()` has them. What is stored of one is checked: RQ would list none otherwise. */
export function cronJobsOf(schedules: readonly StoredSchedule[]): string {
  const jobs = schedules.map(cronJobOf).filter((job) => job !== null);
  return JSON.stringify(jobs.slice(0, MOST_SHOWN));
}

function cronJobOf(schedule: StoredSchedule): Record<string, unknown> | null {
  let job: unknown;
  try {
    job = JSON.parse(schedule.text("cron_job") ?? "null");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (typeof job !== "object" || job === null || Array.isArray(job)) {
    return null;
  }
  return {
    ...job,
    latest_enqueue_time: dateOf(Number(schedule.text("last_run") ?? NaN)),
    next_enqueue_time: dateOf(schedule.next),
  };
}

/** The last second that four digits of a year can say. */
const LAST_SECOND = 253_402_300_799;

function dateOf(seconds: number): string | null {
  return seconds >= 0 && seconds <= LAST_SECOND
    ? formatDate(seconds * 1_000_000)
    : null;
}
