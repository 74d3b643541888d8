/**
 * One execution, from the claimed job to its recorded end.
 *
 * @module
 */

import { backoff, pause } from "../base/backoff.ts";
import { heldCall } from "../job/codec.ts";
import { DEFAULT_FAILURE_TTL } from "../job/options.ts";
import type { JobRecord } from "../job/record.ts";
import { encodeFailure, encodeResult } from "../queue/result.ts";
import { ReplyError } from "../redis/redis_client.ts";
import type {
  FailureOutcome,
  Outcome,
  Runner,
  RunRequest,
} from "../runner/runner.ts";
import type { WorkerStore } from "../store/worker_store.ts";
import type {
  Ending,
  EndingReply,
  Execution,
  WorkerIdentity,
} from "../store/worker_types.ts";
import { JobAborted } from "./abort.ts";
import { ExecutionHost } from "./job_host.ts";
import type { WorkerLog } from "./log.ts";
import type { RunningJobs } from "./running_jobs.ts";

/** What an {@linkcode Executor} works with. */
export interface ExecutorOptions {
  readonly store: WorkerStore;
  readonly identity: WorkerIdentity;
  /** What runs an execution. */
  readonly runnerOf: (execution: Execution) => Runner;
  readonly running: RunningJobs;
  /** Seconds that results are kept of jobs that do not say; `-1` for ever. */
  readonly resultTtl: number;
  /** Whether jobs get and give BigInts. */
  readonly bigInts: boolean;
  /** Whether log lines show the call, which may hold what should not be logged. */
  readonly logDescription: boolean;
  readonly log: WorkerLog;
}

/** RQ's words for a job that `stop-job` ended. */
const STOPPED = "Job stopped by user, work-horse terminated.";
/** RQ's words for a job that `kill-horse` ended. */
const KILLED =
  "Work-horse terminated unexpectedly; waitpid returned 9 (signal 9); ";

/** Milliseconds until a job is put back for which no process could be started: the machine needs a break. */
const UNSTARTED_MS = 1_000;

/** Error replies of a Redis that may take the same call later. */
const TRANSIENT: ReadonlySet<string> = new Set([
  "OOM",
  "LOADING",
  "BUSY",
  "READONLY",
  "MASTERDOWN",
  "NOREPLICAS",
  "TRYAGAIN",
  "MISCONF",
  "CLUSTERDOWN",
  "NOAUTH",
  "NOPERM",
]);

/** Fields of newer RQs that ask for more than to run the job. */
const NOT_HONOURED = [
  ["repeats_left", "Repeats are"],
  ["rate_limit_key", "Rate limits are"],
  ["success_callback_name", "Callbacks are"],
  ["failure_callback_name", "Callbacks are"],
  ["stopped_callback_name", "Callbacks are"],
  ["webhooks", "Webhooks are"],
] as const;

/** How a run ended, before it is put into the terms of the store. */
type Ended =
  | { readonly kind: "outcome"; readonly outcome: Outcome }
  | { readonly kind: JobAborted["kind"] | "unstarted" };

/** Records how a run ended. */
export type Recorder = () => Promise<void>;

/** Runs executions. */
export class Executor {
  readonly #options: ExecutorOptions;

  /** One for each worker. */
  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /** Takes a job in hand that has been claimed; from now on its lease is kept. */
  accept(execution: Execution): void {
    this.#options.running.add(execution);
  }

  /** Puts a job that has not begun back to where it was claimed; records its end if it is to have one by now. */
  async giveBack(execution: Execution): Promise<void> {
    const { running, store, log } = this.#options;
    if (running.isAborted(execution)) return (await this.run(execution))();
    const { job, queue } = execution;
    log.debug(`${queue}: Given back, not begun (${job.id})`);
    running.ending(execution);
    try {
      await this.#store(execution, {
        outcome: "returned",
        ttl: secondsLeft(job, store.serverTime),
        payload: "",
        workedMs: 0,
      });
    } finally {
      running.remove(execution);
    }
  }

  /**
   * Runs one job; gives what records its end. The lease is kept until that is done.
   * The call to Redis is made at once when the recorder is called, so that it shares a
   * round trip with others of the same tick.
   */
  async run(execution: Execution): Promise<Recorder> {
    const { log, running, logDescription } = this.#options;
    const { job, queue } = execution;
    const what = logDescription ? `${job.description} (${job.id})` : job.id;
    log.info(`${queue}: ${what}`);
    for (const [field, feature] of NOT_HONOURED) {
      if (job.text(field) === undefined) continue;
      log.warn(`${queue}: ${feature} not done by this worker (${job.id})`);
    }
    const signal = running.begin(execution);
    const beganMs = Date.now();
    let ended: Ended;
    try {
      ended = await this.#run(execution, signal);
    } catch (error) {
      running.remove(execution);
      throw error;
    }
    const workedMs = Math.max(0, Date.now() - beganMs);
    return () => this.#record(execution, ended, workedMs);
  }

  async #record(
    execution: Execution,
    ended: Ended,
    workedMs: number,
  ): Promise<void> {
    const { log, running } = this.#options;
    running.ending(execution);
    try {
      if (ended.kind === "lost") {
        log.warn(
          `${execution.queue}: Lease lost, job killed, nothing recorded (${execution.job.id})`,
        );
        return;
      }
      const ending = this.#endingOf(execution, ended, workedMs);
      const storing = this.#store(execution, ending);
      this.#logOutcome(execution, ended);
      this.#logRecorded(execution, ending, await storing);
    } finally {
      running.remove(execution);
    }
  }

  async #run(execution: Execution, signal: AbortSignal): Promise<Ended> {
    const { runnerOf, store, bigInts } = this.#options;
    let request: RunRequest;
    try {
      request = requestOf(execution, bigInts);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return { kind: "outcome", outcome: notRun(error) };
    }
    const host = new ExecutionHost(store, execution, { bigInts });
    try {
      const outcome = await runnerOf(execution).run(request, host, { signal });
      if (outcome.type === "failure" && outcome.reason === "start") {
        this.#options.log.error(
          `${execution.queue}: ${outcome.message}, job put back (${execution.job.id})`,
        );
        await pause(UNSTARTED_MS, signal);
        return { kind: "unstarted" };
      }
      return { kind: "outcome", outcome };
    } catch (error) {
      if (error instanceof JobAborted) return { kind: error.kind };
      if (!(error instanceof Error)) throw error;
      return { kind: "outcome", outcome: notRun(error) };
    }
  }

  #endingOf(
    { job }: Execution,
    ended: Ended,
    workedMs: number,
  ): Ending {
    const failureTtl = job.integer("failure_ttl") ?? DEFAULT_FAILURE_TTL;
    const failed = (outcome: "failed" | "stopped", text: string): Ending => ({
      workedMs,
      outcome,
      ttl: failureTtl,
      payload: encodeFailure(text),
    });
    if (ended.kind === "stopped") return failed("stopped", STOPPED);
    if (ended.kind === "killed") return failed("failed", KILLED);
    if (ended.kind !== "outcome") {
      return { workedMs, outcome: "requeued", ttl: 0, payload: "" };
    }
    const { outcome } = ended;
    if (outcome.type === "failure") return failed("failed", outcome.excInfo);
    return {
      workedMs,
      outcome: "finished",
      ttl: job.integer("result_ttl") ?? this.#options.resultTtl,
      payload: outcome.result === undefined ? "" : encodeResult(outcome.result),
    };
  }

  /** Stores the end, however long Redis takes to accept it: the job's work is done. */
  async #store(execution: Execution, ending: Ending): Promise<EndingReply> {
    const { store, identity, log, running } = this.#options;
    for (let attempt = 0;; attempt++) {
      try {
        return await store.finish(
          identity,
          execution,
          { ...ending, beaten: running.isBeaten(execution) },
          running.isBusy ? "busy" : "idle",
        );
      } catch (error) {
        if (!(error instanceof ReplyError && TRANSIENT.has(error.code))) {
          throw error;
        }
        if (attempt === 0) {
          log.warn(
            `${execution.queue}: Redis does not take the end of the job yet: ${error.message} (${execution.job.id})`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, backoff(attempt)));
      }
    }
  }

  #logOutcome({ queue, job }: Execution, ended: Ended): void {
    const { log } = this.#options;
    if (ended.kind === "stopped" || ended.kind === "killed") {
      log.warn(
        `${queue}: ${ended.kind === "stopped" ? STOPPED : KILLED} (${job.id})`,
      );
    } else if (ended.kind === "cold") {
      log.warn(
        `${queue}: Job killed by the cold shut down, put back (${job.id})`,
      );
    } else if (ended.kind === "outcome" && ended.outcome.type === "failure") {
      log.error(`${queue}: Job failed (${job.id})\n${ended.outcome.excInfo}`);
    }
  }

  #logRecorded({ queue, job }: Execution, { ttl }: Ending, reply: EndingReply) {
    const { log } = this.#options;
    switch (reply) {
      case "finished":
        log.info(`${queue}: Job OK (${job.id})`);
        log.info(
          ttl === 0
            ? "Result discarded immediately"
            : ttl < 0
            ? "Result will never expire, clean up result key manually"
            : `Result is kept for ${ttl} seconds`,
        );
        break;
      case "retried":
      case "scheduled":
        log.info(`${queue}: Job ${reply} after its failure (${job.id})`);
        break;
      case "stuck":
        log.error(
          `${queue}: Job cannot be put back, a key of the queue holds another type of value (${job.id})`,
        );
        break;
      case "lost":
        log.warn(`${queue}: Lease lost, nothing recorded (${job.id})`);
        break;
      case "gone":
        log.warn(
          `${queue}: Job was deleted while it ran, nothing recorded (${job.id})`,
        );
        break;
    }
  }
}

/** How long a job may still wait in its queue: at least a second, -1 for ever. */
function secondsLeft(job: JobRecord, now: number): number {
  const ttl = job.integer("ttl");
  if (ttl === undefined) return -1;
  const since = job.date("enqueued_at")?.getTime() ?? now;
  return Math.max(1, Math.ceil(ttl - (now - since) / 1_000));
}

/** @throws {UnreadableDataError | RangeError} if the hash does not say what to run */
function requestOf(
  { id, queue, job }: Execution,
  bigInts: boolean,
): RunRequest {
  const { funcName, args, kwargs } = heldCall(job.call, bigInts);
  return {
    jobId: job.id,
    executionId: id,
    attempt: job.integer("x_attempts") ?? 1,
    origin: queue,
    funcName,
    args,
    kwargs,
    meta: job.meta,
    timeout: job.timeout,
    ...(bigInts ? { bigInts } : {}),
  };
}

/** A fault before the job's own code: it spoils this job, and must not spoil the worker. */
function notRun(error: Error): FailureOutcome {
  const cause = error.cause instanceof Error
    ? `\nCaused by ${error.cause.name}: ${error.cause.message}`
    : "";
  return {
    type: "failure",
    reason: "load",
    message: error.message,
    excInfo: `${error.name}: ${error.message}${cause}`,
  };
}
