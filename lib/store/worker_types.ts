/**
 * The terms in which a worker and Redis talk about jobs.
 *
 * @module
 */

import type { JobRecord } from "../job/record.ts";

/** A worker, as the store knows it. */
export interface WorkerIdentity {
  /** The name shown to people. */
  readonly name: string;
  /** Random, another one at each start: tells two workers of one name apart. */
  readonly instance: string;
  /** Its queues in order of priority. */
  readonly queues: readonly string[];
}

/** A job on a queue's intermediate list, put there for this worker by `BLMOVE`. */
export interface PoppedJob {
  readonly queue: string;
  readonly jobId: string;
}

/** A job that this worker holds a lease for. */
export interface Execution {
  readonly id: string;
  /** The queue that it was taken from. */
  readonly queue: string;
  readonly job: JobRecord;
}

/** An id that a claim dropped, and why. `gone` and `canceled` are part of normal life. */
export interface SkippedJob {
  readonly queue: string;
  /** Empty where the queue itself cannot be used. */
  readonly jobId: string;
  readonly reason: string;
}

/**
 * What a claim does with a job that may have killed its last worker, a suspect.
 *
 * - `only`: takes it; the worker has nothing else in hand, and takes nothing else until what it claims now, one job, is over
 * - `free`: takes it, alone; the worker has nothing else in hand
 * - `stop`: takes what is in front of it; the worker has other jobs in hand
 * - `pass`: takes what is in front of it and behind it
 */
export type SuspectMode = "only" | "free" | "stop" | "pass";

/** What a claim came back with. */
export interface ClaimReply {
  readonly kind:
    | "jobs"
    | "empty"
    | "suspect"
    | "more"
    | "suspended"
    | "unregistered";
  /** When, in milliseconds since 1970 by the server's clock. */
  readonly serverTime: number;
  /** What was claimed; none unless the kind is `jobs`. */
  readonly executions: readonly Execution[];
  readonly skipped: readonly SkippedJob[];
}

/** How an execution ended, as it is stored. */
export interface End {
  readonly execution: Execution;
  /** `requeued`: it goes back to the head of its queue; `returned`: likewise, and it has not begun at all. */
  readonly outcome: "finished" | "failed" | "stopped" | "requeued" | "returned";
  /** Seconds that the result or failure is kept; 0 not at all, -1 for ever. If it is returned, those that it may still wait. */
  readonly ttl: number;
  /** Base64 of the JSON result, base64 of the zlib-compressed failure, or empty. */
  readonly payload: string;
  /** Milliseconds that the run took. */
  readonly workedMs: number;
  /** Whether a heartbeat may have been sent for it: then there are records of it to be removed. @default true */
  readonly hadHeartbeat?: boolean;
}

/** Whether the job goes back to the head of its queue. */
export function isPutBack({ outcome }: End): boolean {
  return outcome === "requeued" || outcome === "returned";
}

/**
 * What became of an execution. `lost`, `gone`: nothing was written. `stuck`: the
 * queue's key takes no id now; a sweeper puts the job back once it does.
 */
export type EndReply =
  | "finished"
  | "failed"
  | "stopped"
  | "requeued"
  | "returned"
  | "retried"
  | "scheduled"
  | "stuck"
  | "lost"
  | "gone";

/** What a worker has in hand besides the jobs that have ended. */
export type WorkerState = "idle" | "busy";

/** What a claim asks for. */
export interface Want {
  /** How many jobs at most. */
  readonly jobs: number;
  /** How many more of the first queue. @default 0 */
  readonly prefetch?: number;
  /** Jobs that have been popped already, to be claimed before any other. @default [] */
  readonly popped?: readonly PoppedJob[];
  /** What to do with a job that may have killed its last worker. @default "free" */
  readonly mode?: SuspectMode;
}

/** What a heartbeat learned. */
export interface HeartbeatReply {
  /** `gone`: the worker's hash has expired; `replaced`: another worker has taken the name. */
  readonly worker: "ok" | "gone" | "replaced";
  /** Ids of the executions whose lease is lost. */
  readonly lost: ReadonlySet<string>;
}

/** The name of another worker is taken by one that lives. */
export interface NameTaken {
  readonly hostname: string;
  readonly pid: string;
  readonly lastHeartbeat: string;
}
