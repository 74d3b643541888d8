/**
 * Declares the fields of a job's hash. Those that begin with `x_` are ours: RQ ignores and keeps them. The others are
 * RQ's (`rq/job.py`).
 *
 * In TypeScript, a name that is not in this table, or is of another type than is needed, does not compile. In scripts,
 * names are written out, since `HSET key status queued` is more readable than `${F.status}`; a test compares all names
 * in scripts with this table, in both directions.
 *
 * @module
 */

/**
 * The type of a field. All are text in Redis: a `date` is RQ's `2026-11-23T02:37:08.111378Z`, `seconds` are a duration (-1
 * for ever), a `flag` is 0 or 1, `json` is a list or an object, `bytes` may be binary.
 */
export type FieldType =
  | "text"
  | "integer"
  | "number"
  | "seconds"
  | "flag"
  | "date"
  | "json"
  | "bytes";

/** What a field holds, who writes it, and who reads it. */
export type Field = readonly [
  type: FieldType,
  writers: string,
  readers: string,
];

/**
 * The fields, with their writers and readers: `producer` (enqueueing), `worker` (claiming, running, recording ends),
 * `sweep` (recovering jobs, queueing due ones), `job` (the running job itself), `user` (reading, waiting, canceling,
 * requeueing), `RQ` (only Python).
 */
export const JOB_FIELDS = {
  // The call, and how it is to be carried out
  created_at: ["date", "producer", "producer, user"],
  data: ["bytes", "producer", "all"],
  description: ["text", "producer", "worker, user"],
  origin: ["text", "producer, worker", "all"],
  timeout: ["seconds", "producer", "worker, user"],
  result_ttl: ["seconds", "producer", "worker, user"],
  failure_ttl: ["seconds", "producer", "worker, sweep, user"],
  ttl: ["seconds", "producer", "worker, user"],
  x_tags: ["json", "producer", "all"],
  meta: ["json", "producer, job, user", "job, user"],
  x_isolation: ["text", "producer", "worker"],

  // What it waits for
  dependency_id: ["text", "producer", "user"],
  dependency_ids: ["json", "producer", "worker, user"],
  allow_dependency_failures: ["flag", "producer", "all"],
  enqueue_at_front: ["flag", "producer", "worker, sweep, user"],
  /** What becomes of it if a parent fails: policies by the ids of parents, `*` for all others. */
  x_if_parent_fails: ["json", "producer", "all"],
  /** The ids of the parents whose results its function gets. */
  x_pass_results: ["json", "producer", "worker"],
  /** The parent because of which it was failed or canceled, and how that one had ended. */
  x_decided_by: ["text", "all", "user"],

  /** When it is due, in seconds since 1970; only for a job that also waits for others. */
  x_due: ["number", "producer", "all"],

  // Where it is in its life
  status: ["text", "all", "all"],
  enqueued_at: ["date", "all", "all"],
  started_at: ["date", "worker", "sweep, user"],
  ended_at: ["date", "worker, sweep", "worker, sweep, user"],
  worker_name: ["text", "worker", "sweep, user"],
  last_heartbeat: ["date", "worker", "user"],
  /** The fence: the execution that has the job, or had it last. */
  x_execution: ["text", "worker", "worker, sweep"],
  /** How often it was started; written from the second start on. */
  x_attempts: ["integer", "worker, user", "worker"],
  /** How often it has lost its worker, and the `enqueued_at` for which that counts. */
  x_abandoned: ["text", "sweep", "worker, sweep"],
  /** The token of the call that canceled or requeued it, and the status before, to recognize a repeated call. */
  x_change: ["text", "user", "user"],
  /** The execution that somebody has asked to stop; it may have finished all the same. */
  x_stop: ["text", "user", "worker, sweep, user"],
  x_stop_by: ["text", "user", "user"],
  x_stop_reason: ["text", "user", "user"],
  /** Whether a client waits for it, so that an end without a result must be announced. */
  x_waited: ["flag", "user", "all"],
  /** Whether other jobs wait for it. */
  x_dependents: ["flag", "producer", "worker"],
  /** The bytes that its steps take, as `LEAST_KEPT` counts them; see `steps.ts` for the field of each. */
  x_steps: ["integer", "job, user", "worker, job, user"],
  /** The names of the signals that it waits for while it is scheduled. */
  x_waits_for: ["json", "worker", "user"],
  /** The run whose parts its stream holds, how many these are, and their bytes. */
  x_stream: ["text", "job", "all"],
  x_progress: ["number", "job", "user"],
  x_progress_note: ["text", "job", "user"],
  /** Of its log: the bytes that are kept, the lines that there ever were, and the last call that has added some. */
  x_log: ["text", "job", "all"],

  // Trying again
  retries_left: ["integer", "producer, worker", "worker, user"],
  retry_intervals: ["json", "producer", "worker, user"],
  enqueue_at_front_on_retry: ["flag", "producer", "worker, sweep, user"],
  /** How often the job itself has asked for a retry. */
  number_of_retries: ["integer", "worker", "worker, user"],
  /** By what share a wait before a retry is made longer or shorter at random. */
  x_retry_jitter: ["number", "producer", "worker"],
  /** The names of the errors after which it is tried again. */
  x_retry_on: ["json", "producer", "worker"],
  repeats_left: ["integer", "producer, worker", "worker, user"],
  repeat_intervals: ["json", "producer, worker", "worker, user"],

  /** The key that it holds, unless another job has taken it. */
  x_unique: ["text", "producer", "all"],
  /** Until when, and what a call does if the key is taken; see `CheckedUnique.how`. */
  x_unique_how: ["text", "producer", "producer, user"],

  // What comes with it
  group_id: ["text", "producer", "all"],
  /** What its group counts it as: `open`, or how it has ended. */
  x_grouped: ["text", "all", "all"],
  success_callback_name: ["text", "producer", "worker, sweep, user"],
  success_callback_timeout: ["seconds", "producer", "worker, sweep, user"],
  failure_callback_name: ["text", "producer", "worker, sweep, user"],
  failure_callback_timeout: ["seconds", "producer", "worker, sweep, user"],
  stopped_callback_name: ["text", "producer", "worker, sweep, user"],
  stopped_callback_timeout: ["seconds", "producer", "worker, sweep, user"],
  webhooks: ["json", "producer", "worker, sweep, user"],
  /** All of its webhooks, if there is more to them than RQ's field can say. */
  x_webhooks: ["json", "producer", "worker, sweep, user"],
  /** Of a job that is a callback: `success`, `failure` or `stopped`, and the name of its function. */
  x_callback: ["text", "worker, sweep", "worker"],
  /** Of a job that sends a webhook: what is to be sent. */
  x_webhook: ["json", "worker, sweep, user", "worker"],
  /** The job whose callback or webhook it is: fields of its hash, packed; its `data`; its result or failure as in a stream of results. */
  x_ended: ["bytes", "worker, sweep, user", "worker"],
  x_ended_data: ["bytes", "worker, sweep, user", "worker"],
  x_ended_outcome: ["bytes", "worker, sweep, user", "worker"],
  rate_limit_key: ["text", "producer", "all"],
  rate_limit_concurrency: ["integer", "producer", "all"],
  /** How many jobs with this key may start within so many seconds. */
  x_rate_starts: ["integer", "producer", "all"],
  x_rate_per: ["number", "producer", "all"],
  /** What it does about other jobs of its limit; until that is done. */
  x_on_conflict: ["text", "producer", "producer, worker, sweep"],
  /** Whose job it is. Without a limit of its own, its rate limit is that by which it takes turns. */
  x_fair_key: ["text", "producer", "all"],

  // Where RQ kept an outcome before it had streams of results
  exc_info: ["bytes", "RQ", "user"],
  result: ["bytes", "RQ", "RQ"],
} as const;

/** The name of a field of a job's hash. */
export type JobField = keyof typeof JOB_FIELDS;

/** The names of those that hold something of this type. */
export type JobFieldOf<T extends FieldType> = {
  [F in JobField]: (typeof JOB_FIELDS)[F][0] extends T ? F : never;
}[JobField];

/** Types of fields that are whole numbers. */
const WHOLE: ReadonlySet<FieldType> = new Set(["integer", "seconds", "flag"]);

/** Tells whether a field is a whole number. */
export function isWhole(
  field: JobField,
): field is JobFieldOf<"integer" | "seconds" | "flag"> {
  return WHOLE.has(JOB_FIELDS[field][0]);
}
