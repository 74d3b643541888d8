/**
 * Declares the fields of the hashes of workers and executions, and of entries of streams. Those of jobs are in
 * `job/fields.ts`, which explains more.
 *
 * @module
 */

import type { Field } from "../job/fields.ts";
import type { RedisArg } from "../redis/redis_client.ts";

/** A worker's hash (`rq/worker/base.py`). */
const WORKER_FIELDS = {
  birth: ["date", "worker", "user"],
  last_heartbeat: ["date", "worker", "worker, user"],
  death: ["date", "worker", "worker, user"],
  queues: ["text", "worker", "user"],
  hostname: ["text", "worker", "worker, user"],
  pid: ["integer", "worker", "worker, user"],
  ip_address: ["text", "worker", "user"],
  version: ["text", "worker", "user"],
  python_version: ["text", "worker", "user"],
  state: ["text", "worker", "user"],
  current_job: ["text", "worker", "user"],
  current_job_working_time: ["number", "worker", "user"],
  successful_job_count: ["integer", "worker", "user"],
  failed_job_count: ["integer", "worker", "user"],
  total_working_time: ["number", "worker", "user"],
  shutdown_requested_date: ["date", "RQ", "RQ"],
  /** Random, to distinguish a worker from an earlier one with its name. */
  x_instance: ["text", "worker", "worker"],
  /** The latest heartbeat, in seconds since 1970. */
  x_heartbeat: ["integer", "worker", "worker, sweep"],
  /** The latest claim and its jobs: for a repeated call, and to restore leases that were dropped. */
  x_claim: ["text", "worker", "worker, sweep"],
  /** Ends of jobs that were not kept, for a repeated call. */
  x_ended: ["text", "worker", "worker"],
} as const;

/** The hash of an execution (`rq/executions.py`). Its times are seconds since 1970, not dates. */
const EXECUTION_FIELDS = {
  id: ["text", "worker", "user"],
  job_id: ["text", "worker", "user"],
  created_at: ["number", "worker", "user"],
  last_heartbeat: ["number", "worker", "user"],
  worker_name: ["text", "worker", "user"],
} as const;

/** An entry of a job's stream of results (`rq/results.py`). */
const RESULT_FIELDS = {
  type: ["integer", "worker, sweep", "user"],
  return_value: ["text", "worker", "user"],
  exc_string: ["text", "worker, sweep", "user"],
  worker_name: ["text", "worker, sweep", "user"],
  execution_id: ["text", "worker, sweep", "user"],
  execution_started_at: ["number", "worker, sweep", "user"],
  execution_ended_at: ["number", "worker, sweep", "user"],
  /** Which start of the job it was, counted from 1. */
  x_attempt: ["integer", "worker, sweep", "user"],
  /** How its process ended, if it did before the job had an answer. */
  x_exit_code: ["integer", "worker", "user"],
  x_signal: ["text", "worker", "user"],
  /** The most bytes of memory that its process had, and its seconds of processor time. */
  x_peak_memory: ["integer", "worker", "user"],
  x_cpu_seconds: ["number", "worker", "user"],
} as const;

/** An entry of our stream of what a job yields: a part, or how far the job is. */
const PART_FIELDS = {
  part: ["json", "job", "user"],
  /** What follows is of this start of the job. */
  attempt: ["integer", "job", "user"],
  /** The status with which the job has ended. */
  end: ["text", "all", "user"],
} as const;

/** An entry of our stream of ends. */
const END_FIELDS = {
  job_id: ["text", "all", "user"],
  how: ["text", "all", "user"],
} as const;

/** An entry of our stream of events. */
const EVENT_FIELDS = {
  /** The new status of the jobs, `deleted`, or what else has happened. */
  event: ["text", "all", "user"],
  queue: ["text", "all", "user"],
  /** The ids, separated by spaces. */
  jobs: ["text", "all", "user"],
  worker: ["text", "worker", "user"],
  /** The progress of a job. */
  value: ["number", "job", "user"],
  note: ["text", "job", "user"],
} as const;

/** A line of a job's log, in our stream of them. */
const LOG_FIELDS = {
  /** Its number, counted from 1. */
  line: ["integer", "job", "user"],
  /** `log`, `stdout` or `stderr`. */
  source: ["text", "job", "user"],
  text: ["text", "job", "user"],
  /** Which start of the job has written it. */
  attempt: ["integer", "job", "user"],
} as const;

/** The hash of a rate limit (`rq/rate_limit.py`). */
const LIMIT_FIELDS = {
  /** Missing if there is a window. */
  concurrency: ["integer", "producer, sweep", "all"],
  /** The same beside a window; empty for no limit. */
  x_concurrency: ["integer", "producer, worker, sweep", "all"],
  /** How many jobs may start within so many seconds. */
  x_starts: ["integer", "producer, worker, sweep", "all"],
  x_per: ["number", "producer, worker, sweep", "all"],
} as const;

/** The hash of a schedule, all of it ours. Its slots and times are seconds since 1970. */
const SCHEDULE_FIELDS = {
  /** Random: the ids of its jobs begin with it, so that those of an earlier schedule of this name are others. */
  id: ["text", "producer", "worker"],
  /** When it runs: the JSON of a `Timing`. */
  timing: ["json", "producer", "worker, user"],
  /** The first slot of an interval. */
  start: ["number", "producer", "worker, user"],
  /** The job of each run: MessagePack, as ENQUEUE_EACH takes one. */
  job: ["bytes", "producer", "worker, user"],
  /** Whether the job has an id of its own, which all runs share. */
  has_job_id: ["flag", "producer", "worker"],
  queue: ["text", "producer", "user"],
  func_name: ["text", "producer", "user"],
  /** What does not change of it, as `rq.cron.CronJob.to_dict()` has it. */
  cron_job: ["json", "producer", "worker"],
  overlap: ["text", "producer", "worker, user"],
  missed: ["text", "producer", "worker, user"],
  /** The file that declares it, and the token under which that file was read; both empty if it was made by a call. */
  owner: ["text", "producer, worker", "all"],
  token: ["text", "producer, worker", "worker"],
  paused: ["flag", "user", "all"],
  /** Why it does not run: what is stored cannot be read. */
  broken: ["text", "worker", "user"],
  last_slot: ["number", "worker", "all"],
  last_job: ["text", "worker", "all"],
  last_run: ["number", "worker", "user"],
} as const;

/** Our hash of a group (`lua/groups.ts`). */
const GROUP_FIELDS = {
  created_at: ["date", "producer", "user"],
  /** Random, to recognize a repeated call. */
  token: ["text", "producer", "producer"],
  /** For how many seconds it is kept once it is complete and has no jobs. */
  ttl: ["seconds", "producer", "all"],
  /** The group that it belongs to, and what it is counted as there. */
  parent: ["text", "producer", "all"],
  x_grouped: ["text", "all", "all"],
  /** All members that there ever were, and how they have ended. */
  total: ["integer", "all", "all"],
  finished: ["integer", "all", "all"],
  failed: ["integer", "all", "all"],
  stopped: ["integer", "all", "all"],
  canceled: ["integer", "all", "all"],
  /** Deleted or expired before their end. */
  gone: ["integer", "all", "all"],
  /** How many of all are not in RQ's set any more, or have never been. */
  removed: ["integer", "all", "all"],
  /** Whether somebody has added all members that there are to be, though it may be none. */
  filled: ["flag", "producer", "all"],
  /** Since when it is complete. */
  ended_at: ["date", "all", "user"],
  /** Calls that are still to be enqueued, packed. */
  on_complete: ["bytes", "producer", "all"],
  on_success: ["bytes", "producer", "all"],
  on_failure: ["bytes", "producer", "all"],
  /** Whether all of its members are being canceled. */
  canceling: ["flag", "user", "sweep, user"],
  /** Where the next look at its open members begins, and at those that RQ has added. */
  cursor: ["text", "sweep, user", "sweep, user"],
  rq_cursor: ["text", "sweep, user", "sweep, user"],
} as const;

/** The hash of a cron scheduler (`rq/cron.py`). */
const CRON_SCHEDULER_FIELDS = {
  hostname: ["text", "worker", "user"],
  pid: ["integer", "worker", "user"],
  name: ["text", "worker", "user"],
  created_at: ["date", "worker", "user"],
  config_file: ["text", "worker", "user"],
  /** A list of `rq.cron.CronJob.to_dict()`. */
  cron_jobs: ["json", "worker", "user"],
} as const;

/** All of these, for a test. */
export const STORE_FIELDS: readonly Readonly<Record<string, Field>>[] = [
  WORKER_FIELDS,
  EXECUTION_FIELDS,
  RESULT_FIELDS,
  PART_FIELDS,
  END_FIELDS,
  EVENT_FIELDS,
  LOG_FIELDS,
  LIMIT_FIELDS,
  SCHEDULE_FIELDS,
  GROUP_FIELDS,
  CRON_SCHEDULER_FIELDS,
];

/** The name of a field of a worker's hash. */
export type WorkerField = keyof typeof WORKER_FIELDS;

/** Some fields of a worker's hash. */
export type WorkerFields = Readonly<Partial<Record<WorkerField, RedisArg>>>;

/** The name of a field of an entry of a job's results. */
export type ResultField = keyof typeof RESULT_FIELDS;

/** The name of a field of a schedule's hash. */
export type ScheduleField = keyof typeof SCHEDULE_FIELDS;

/** Some fields of a schedule's hash. */
export type ScheduleFields = Readonly<Partial<Record<ScheduleField, RedisArg>>>;

/** The fields of a cron scheduler's hash. */
export type CronSchedulerFields = Readonly<
  Record<keyof typeof CRON_SCHEDULER_FIELDS, RedisArg>
>;
