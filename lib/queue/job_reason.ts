/**
 * Why a job does not run: what `job.explain()` answers.
 *
 * @module
 */

import type { JobRecord } from "../job/record.ts";
import type { JobStatus } from "../job/status.ts";
import type { JobFacts } from "../store/explain.ts";

/** What keeps a job from running, or has ended it: a `code` for programs with its facts, and the same as `text`. */
export type JobReason =
  & {
    /** In words, without a full stop. */
    readonly text: string;
  }
  & Readonly<
    /** It is stored, and nobody has enqueued it. */
    | { code: "created" }
    /** All workers are suspended; `until` is `null` if that has no end. */
    | { code: "suspended"; until: Date | null }
    /** Its queue is paused. */
    | { code: "paused"; queue: string; until: Date | null }
    /** No living worker serves its queue. */
    | { code: "no_worker"; queue: string }
    /** Others are before it on its queue, which so many workers serve. */
    | { code: "behind"; queue: string; count: number; workers: number }
    /** It is the next one of its queue, and so many of its workers run something. */
    | { code: "next"; queue: string; workers: number; busy: number }
    /** A worker has taken it from its queue, and is about to start it. */
    | { code: "popped" }
    /** It has lost its worker: the next one runs it when it has nothing else in hand. */
    | { code: "suspect" }
    /** Its id is not where its status says, so nobody will run it. */
    | { code: "missing" }
    /** Its rate limit holds it back. */
    | {
      code: "limited";
      key: string;
      /** How many wait before it. */
      before: number;
      /** How many jobs may be queued or running at a time, and how many are. */
      concurrency: number | null;
      taken: number;
      /** Some of these. */
      holders: readonly string[];
      /** How many may start within so many seconds. */
      limit: number | null;
      per: number | null;
      /** When the next one may start, if it is this that holds it back. */
      opensAt: Date | null;
    }
    /** It waits for the turn of its fair key, for which others with this key wait longer. */
    | { code: "not_its_turn"; fairKey: string; before: number }
    /** It is for later. */
    | { code: "not_due"; at: Date }
    /** It has failed, and is tried again later. */
    | { code: "retry"; at: Date }
    /** It sleeps between two steps. */
    | { code: "sleeps"; at: Date }
    /** It waits for one of these signals. */
    | {
      code: "waits_for_signal";
      signals: readonly string[];
      until: Date | null;
    }
    /** Its time has come, and no worker has queued it yet; `worker` is the one that should. */
    | { code: "overdue"; at: Date; worker: string | null }
    /** It waits for other jobs: some of these, of `count` that it depends on. `inVain` are those that will not finish. */
    | {
      code: "waits_for_parents";
      count: number;
      parents: readonly { id: string; status: string; inVain: boolean }[];
    }
    /** What it depends on has ended, and no worker has queued it yet. */
    | { code: "parents_done" }
    /** It runs. */
    | { code: "started"; worker: string | null; since: Date | null }
    /** Its worker was asked to stop it. */
    | { code: "stopping"; by: string | null; reason: string | null }
    /** Nobody has heard of its worker lately: another one will put it back. */
    | { code: "worker_lost"; worker: string | null }
    | { code: "finished"; at: Date | null }
    /** It has failed; `headline` is the first line of the failure. */
    | { code: "failed"; at: Date | null; headline: string }
    /** And has no retries left. */
    | { code: "retries_exhausted" }
    | { code: "stopped"; by: string | null; reason: string | null }
    | { code: "canceled" }
    /** It was failed or canceled without being run, because of a job that it depends on. */
    | { code: "parent_ended"; parent: string; status: string }
    /** Another job has its unique key by now, so that it cannot be enqueued. */
    | { code: "unique_key_taken"; key: string; holder: string }
    /** Its hash has a status that nobody knows. */
    | { code: "unknown_status"; status: string }
  >;

/** Why a job does not run, or how it does. */
export interface JobExplanation {
  /** The job's id. */
  readonly jobId: string;
  /** Its status, `null` for one that nobody knows. */
  readonly status: JobStatus | null;
  /** All reasons in one line. */
  readonly text: string;
  /** What keeps it from running, what comes first first. */
  readonly reasons: readonly JobReason[];
}

/** What is known of a job. */
export interface Known {
  readonly record: JobRecord;
  readonly facts: JobFacts;
  readonly queue: string;
  /** The server's time, in milliseconds since 1970. */
  readonly now: number;
}

/** That its id is not where its status says. */
export function missing(where: string): JobReason {
  return { code: "missing", text: `${where}, so nobody will run it` };
}

/** Words for a moment. */
export function moment(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** `1 job is`, `2 jobs are`. */
export function jobsAre(count: number): string {
  return count === 1 ? "1 job is" : `${count} jobs are`;
}

/** `1 worker`, `2 workers`. */
export function workersText(count: number): string {
  return count === 1 ? "1 worker" : `${count} workers`;
}
