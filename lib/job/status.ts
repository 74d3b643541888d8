/**
 * The statuses of a job, and where Redis holds a job in each of them.
 *
 * ```
 *              enqueue                    claim                   returned
 *  (new) ─┬──────────────► queued ──────────────────► started ─┬───────────► finished
 *         │                 ▲  ▲  ▲                     │ │ │   │  threw, timed out
 *         │ parents not     │  │  │   cold stop, lost   │ │ │   ├───────────► failed
 *         │ finished        │  │  └─────────────────────┘ │ │   │  stop-job     │
 *         └──► deferred ────┘  │      lease (≤ 3 times)   │ │   └───────────► stopped
 *              parents done    │                          │ │                  │
 *                              │   retry with an interval │ │                  │
 *               scheduled ◄────┼──────────────────────────┘ │  (also failed    │
 *                              │                            │   after 3 lost   │
 *                              └──── requeue ───────────────┼── leases) ◄──────┘
 *                                                           │
 *            any of them, by cancel() ──────────────────────┴───────────────► canceled
 * ```
 *
 * | status | where its id is |
 * | --- | --- |
 * | `created` | nowhere: it is stored, and not enqueued yet |
 * | `queued` | the queue's list |
 * | `deferred` | the deferred registry, and each unfinished parent's dependents |
 * | `scheduled` | the scheduled registry |
 * | `rate_limited` | the jobs that wait for a slot of the same rate limit, or the turn of the same fair key |
 * | `started` | the started registry as `<job>:<execution>`, scored with the end of its lease |
 * | `finished` | the finished registry, until its result's time to live ends |
 * | `failed`, `stopped` | the failed registry |
 * | `canceled` | the canceled registry |
 *
 * A job that sleeps between two of its steps, or waits for a signal, is `scheduled` (`steps.ts`).
 *
 * A deferred job may also become `failed` or `canceled` because a parent has; see `dependency()`.
 *
 * A job with a rate limit goes to `rate_limited` instead of `queued`, and is `queued` when it gets a slot; one with a fair
 * key, until it is the turn of its key.
 *
 * The names are RQ's (`rq.job.JobStatus`). A Python worker exits on a status that
 * it does not know, so there are no others.
 *
 * @module
 */

/** A job's status. */
export type JobStatus =
  | "created"
  | "queued"
  | "started"
  | "finished"
  | "failed"
  | "deferred"
  | "scheduled"
  | "rate_limited"
  | "stopped"
  | "canceled";

const STATUSES: ReadonlySet<string> = new Set<JobStatus>([
  "created",
  "queued",
  "started",
  "finished",
  "failed",
  "deferred",
  "scheduled",
  "rate_limited",
  "stopped",
  "canceled",
]);

/** Whether a text is a status that we write. RQ has one more, which precedes `queued`. */
export function isJobStatus(
  text: string | null | undefined,
): text is JobStatus {
  return text !== null && text !== undefined && STATUSES.has(text);
}

/** Statuses of jobs that have ended: they do not run again unless they are requeued. */
export const ENDED_STATUSES: readonly JobStatus[] = [
  "finished",
  "failed",
  "stopped",
  "canceled",
];

/** Whether a job in this status has ended. */
export function hasEnded(status: JobStatus | null): boolean {
  return status !== null && ENDED_STATUSES.includes(status);
}

/** It precedes `queued`, and only newer versions of RQ write it. */
const READY = "ready_to_enqueue";

/**
 * The status for the text in a job's hash. A hash without one (RQ before 2.4.1) is
 * that of a queued job; an unknown text is no status.
 */
export function statusOfText(text: string | null): JobStatus | null {
  if (text === null || text === "") return "queued";
  if (text === READY) return "queued";
  return isJobStatus(text) ? text : null;
}
