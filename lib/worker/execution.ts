/**
 * One execution, from the claimed job to its recorded end.
 *
 * @module
 */

import { backoff } from "../base/backoff.ts";
import { heldCall } from "../job/codec.ts";
import { DEFAULT_FAILURE_TTL } from "../job/options.ts";
import type { JobRecord } from "../job/record.ts";
import { encodeFailure, encodeResult } from "../job/result_codec.ts";
import {
  ConnectionLostError,
  ConnectionRefusedError,
  ReplyError,
} from "../redis/redis_client.ts";
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
import { type Ended, KILLED, STOPPED } from "./ended.ts";
import type { InHand } from "./in_hand.ts";
import { ExecutionHost } from "./job_host.ts";
import { factsOf, JobLog } from "./job_log.ts";
import type { SteadyLog } from "./log.ts";

/** What an {@linkcode Executor} works with. */
export interface ExecutorOptions {
  readonly store: WorkerStore;
  readonly identity: WorkerIdentity;
  /** What runs an execution. */
  readonly runnerOf: (execution: Execution) => Runner;
  /** What is asked is whether the worker is busy, and whether a job ever had a heartbeat. */
  readonly inHand: Pick<InHand, "isBusy" | "isBeaten">;
  /** Whether a job may add jobs to a queue. */
  readonly mayEnqueue: (queue: string) => boolean;
  /** Seconds that results are kept of jobs that do not say; `-1` for ever. */
  readonly resultTtl: number;
  /** Whether jobs get and give BigInts. */
  readonly bigInts: boolean;
  /** Whether log lines show the call, which may hold what should not be logged. */
  readonly logDescription: boolean;
  readonly log: SteadyLog;
}

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

/** Runs executions, and records how they ended. */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #log: JobLog;

  /** One for each worker. */
  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#log = new JobLog(options.log, options.logDescription);
  }

  /**
   * Runs one job. Rejects only with what is neither the job's fault nor its runner's answer: the job is to be put back.
   *
   * @param signal kills it, with a {@linkcode JobAborted} as the reason
   */
  async run(execution: Execution, signal: AbortSignal): Promise<Ended> {
    this.#log.begin(execution);
    const began = Date.now();
    const workedMs = () => Math.max(0, Date.now() - began);
    try {
      const outcome = await this.#run(execution, signal);
      return outcome.type === "failure" && outcome.reason === "start"
        ? { kind: "unstarted", why: whyUnstarted(outcome) }
        : { kind: "outcome", outcome, workedMs: workedMs() };
    } catch (error) {
      if (!(error instanceof JobAborted)) throw error;
      return { kind: error.kind, workedMs: workedMs() };
    }
  }

  async #run(execution: Execution, signal: AbortSignal): Promise<Outcome> {
    const { runnerOf, store, mayEnqueue, bigInts } = this.#options;
    signal.throwIfAborted();
    let request: RunRequest;
    try {
      request = requestOf(execution, bigInts);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return notRun(error);
    }
    const host = new ExecutionHost(store, execution, {
      mayEnqueue,
      bigInts,
    });
    return await runnerOf(execution).run(request, host, { signal });
  }

  /**
   * Records how an execution ended. The call to Redis is made at once, so that it shares a round trip with
   * others of the same turn of the event loop.
   *
   * Rejects if nothing of it can be stored, not even that it failed; then its lease is to be let go.
   */
  async record(execution: Execution, ended: Ended): Promise<void> {
    const { log, inHand, store, identity } = this.#options;
    const { job, queue } = execution;
    if (ended.kind === "lost") {
      log.warn(
        `${queue}: Lease lost, job killed, nothing recorded (${job.id})`,
        factsOf(execution, ended),
      );
      if (!inHand.isBusy) await store.showIdle(identity);
      return;
    }
    const ending = this.#endingOf(execution, ended);
    const storing = this.#store(execution, ending);
    this.#log.end(execution, ended);
    const stored = await storing;
    this.#log.recorded(execution, ended, stored.ending, stored.reply);
  }

  #endingOf(
    { job }: Execution,
    ended: Exclude<Ended, { kind: "lost" }>,
  ): Ending {
    const { resultTtl, store } = this.#options;
    switch (ended.kind) {
      case "stopped":
        return failed("stopped", job, STOPPED, ended.workedMs);
      case "killed":
        return failed("failed", job, KILLED, ended.workedMs);
      case "returned":
      case "unstarted": {
        const ttl = secondsLeft(job, store.serverTime);
        return { outcome: "returned", ttl, payload: "", workedMs: 0 };
      }
      case "outcome":
        break;
      default:
        return { outcome: "requeued", ttl: 0, payload: "", workedMs: 0 };
    }
    const { outcome, workedMs } = ended;
    if (outcome.type === "failure") {
      return failed("failed", job, outcome.excInfo, workedMs);
    }
    return {
      workedMs,
      outcome: "finished",
      ttl: job.seconds("result_ttl") ?? resultTtl,
      payload: outcome.result === undefined ? "" : encodeResult(outcome.result),
    };
  }

  /**
   * Stores the end, however long Redis takes to accept it: the job's work is done. What Redis refuses for good
   * is stored as a failure that says so.
   */
  async #store(
    execution: Execution,
    ending: Ending,
  ): Promise<{ readonly ending: Ending; readonly reply: EndingReply }> {
    const { store, identity, log, inHand } = this.#options;
    const { queue, job } = execution;
    let given = ending;
    for (let attempt = 0;; attempt++) {
      try {
        const beaten = inHand.isBeaten(execution);
        const state = inHand.isBusy ? "busy" : "idle";
        const reply = await store.finish(
          identity,
          execution,
          { ...given, beaten },
          state,
        );
        return { ending: given, reply };
      } catch (error) {
        if (isOfConnection(error)) throw error;
        if (error instanceof ReplyError && TRANSIENT.has(error.code)) {
          if (attempt === 0) {
            log.warn(
              `${queue}: Redis does not take the end of the job yet: ${error.message} (${job.id})`,
              factsOf(execution),
            );
          }
          await new Promise((resolve) => setTimeout(resolve, backoff(attempt)));
          continue;
        }
        const isPayload = given.outcome === "finished" ||
          given.outcome === "failed" || given.outcome === "stopped";
        if (given !== ending || !isPayload) throw error;
        const text = unstorable(ending, error);
        log.error(`${queue}: Job failed (${job.id})`, {
          ...factsOf(execution),
          durationMs: ending.workedMs,
          details: text,
        });
        given = failed("failed", job, text, ending.workedMs);
      }
    }
  }
}

/** A failure as it is stored. */
function failed(
  outcome: "failed" | "stopped",
  job: JobRecord,
  text: string,
  workedMs: number,
): Ending {
  const ttl = job.seconds("failure_ttl") ?? DEFAULT_FAILURE_TTL;
  return { workedMs, outcome, ttl, payload: encodeFailure(text) };
}

/** Whether Redis cannot be reached any more, so that nothing else can be stored either. */
function isOfConnection(error: unknown): boolean {
  return error instanceof ConnectionLostError ||
    error instanceof ConnectionRefusedError;
}

function unstorable({ payload }: Ending, error: unknown): string {
  const why = error instanceof Error ? error.message : String(error);
  return `Cannot store the end of the job: Redis refuses its ${payload.length} bytes: ${why}`;
}

/** What happened, and the line in which the subprocess said why, if it did. */
function whyUnstarted({ message, excInfo }: FailureOutcome): string {
  const said = excInfo.slice(message.length).split("\n")
    .map((line) => line.trim()).filter((line) => line !== "");
  const line = said.find((text) => /^error\b/i.test(text)) ?? said.at(-1);
  return line === undefined ? message : `${message}: ${line}`;
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
