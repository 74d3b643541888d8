/**
 * The types of {@linkcode WorkerStore}'s operations.
 *
 * @module
 */

import type { JobRecord } from "../job/record.ts";
import type { RetryWish } from "../job/retry_wish.ts";
import type { RedisArg } from "../redis/redis_client.ts";
import type { ResultField } from "./fields.ts";

/** A worker. */
export interface WorkerIdentity {
  /** Its name. */
  readonly name: string;
  /** Random at each start, to distinguish workers with the same name. */
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

/** An id that a claim has dropped, and why. `gone` and `canceled` are normal. */
export interface SkippedJob {
  readonly queue: string;
  /** Empty if the queue itself cannot be used. */
  readonly jobId: string;
  readonly reason: string;
}

/**
 * What a claim does with a suspect: a job that may have killed its last worker.
 *
 * - `only`: claims it; the worker has nothing else in hand, and claims nothing else until the one job of this claim ends
 * - `free`: claims it, alone; the worker has nothing else in hand
 * - `stop`: claims only jobs before it; the worker has other jobs in hand
 * - `pass`: claims jobs before and after it
 */
export type SuspectMode = "only" | "free" | "stop" | "pass";

/** The reply to a claim. */
export interface ClaimReply {
  readonly kind:
    | "jobs"
    | "empty"
    | "suspect"
    | "more"
    | "suspended"
    | "unregistered";
  /** The server's time, in milliseconds since 1970. */
  readonly serverTime: number;
  /** What was claimed; none unless the kind is `jobs`. */
  readonly executions: readonly Execution[];
  readonly skipped: readonly SkippedJob[];
}

/** How an execution ended, to be recorded. */
export interface End {
  readonly execution: Execution;
  /**
   * `requeued`: it goes back to the head of its queue; `released`: the same, and it has never begun; `asleep`: it goes on
   * later.
   */
  readonly outcome:
    | "finished"
    | "failed"
    | "stopped"
    | "requeued"
    | "released"
    | "asleep";
  /** How many seconds the result or failure is kept; 0 not at all, -1 for ever. For `released`, seconds left in the queue. */
  readonly ttl: number;
  /** Base64 of the JSON result, base64 of the zlib-compressed failure, the JSON of a `Wake`, or empty. */
  readonly payload: string;
  /** How many milliseconds the run took. */
  readonly workedMs: number;
  /** Further fields of the result. */
  readonly facts?: ReadonlyMap<ResultField, RedisArg>;
  /** Whether a heartbeat may have been sent during the run: then there are records to remove. @default true */
  readonly hadHeartbeat?: boolean;
  /** Whether the run has written something that a hook keeps as long as the job, such as its log. @default false */
  readonly needsHooks?: boolean;
  /** Of a failure: what is to be done other than the job's `retry` option says. */
  readonly retry?: RetryWish;
  /** Of a failure: a random number from 0 to below 1, for the jitter of a retry. @default 0.5, which is none */
  readonly random?: number;
}

/** Whether the job goes back to the head of its queue. */
export function isPutBack({ outcome }: End): boolean {
  return outcome === "requeued" || outcome === "released";
}

/**
 * What became of an end. `lost`, `gone`: nothing was written. `stuck`: a key of the
 * queue holds another type of value; a sweeper puts the job back once that is mended.
 */
export type EndReply =
  | "finished"
  | "failed"
  | "stopped"
  | "requeued"
  | "released"
  | "asleep"
  | "retried"
  | "scheduled"
  | "stuck"
  | "lost"
  | "gone";

/** Whether a worker has jobs in hand, apart from those that have ended. */
export type WorkerState = "idle" | "busy";

/** What a claim asks for. */
export interface Want {
  /** The most jobs. */
  readonly jobs: number;
  /** How many more, of the first queue only. @default 0 */
  readonly prefetch?: number;
  /** Jobs that have been popped already: they go back to their queues first, and are claimed in their turn. @default [] */
  readonly popped?: readonly PoppedJob[];
  /** What to do with suspects. @default "free" */
  readonly mode?: SuspectMode;
}

/** The reply to a heartbeat. */
export interface HeartbeatReply {
  /** `gone`: the worker's hash has expired; `replaced`: another worker has taken the name. */
  readonly worker: "ok" | "gone" | "replaced";
  /** Ids of the executions whose lease is lost. */
  readonly lost: ReadonlySet<string>;
  /** Ids of those that somebody has asked to stop. */
  readonly stopped: ReadonlySet<string>;
}

/** The living worker that has a name. */
export interface NameTaken {
  readonly hostname: string;
  readonly pid: string;
  readonly lastHeartbeat: string;
}
