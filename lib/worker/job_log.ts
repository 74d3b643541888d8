/**
 * The log lines about jobs, in RQ's words where it has some; and the same for those who follow the worker's events.
 *
 * @module
 */

import type { Wake } from "../job/steps.ts";
import { STOPPED_TEXT } from "../job/stopped.ts";
import {
  type End,
  type EndReply,
  type Execution,
  isPutBack,
} from "../store/worker_types.ts";
import type { AbortKind } from "./abort.ts";
import { callbackName, isForPython } from "./callback_run.ts";
import { KILLED } from "./ends.ts";
import {
  logError,
  type LogFacts,
  type LogMethod,
  type SteadyLog,
} from "./log.ts";
import { isWebhook } from "./webhook_run.ts";
import type { WorkerEvents } from "./worker_events.ts";

/** The most names of functions that are not told again. */
const MAX_TOLD = 1_000;

/** Writes the lines of each job. */
export class JobLog {
  /** The callbacks that are not known here. */
  readonly #unknown = new Set<string>();
  readonly #log: SteadyLog;
  readonly #logDescription: boolean;
  readonly #events: WorkerEvents | undefined;

  /**
   * Logs nothing yet.
   *
   * @param logDescription Whether lines show the call.
   */
  constructor(log: SteadyLog, logDescription: boolean, events?: WorkerEvents) {
    this.#events = events;
    this.#log = log;
    this.#logDescription = logDescription;
  }

  /** Logs that a job begins. */
  begin(execution: Execution): void {
    this.#events?.tellRun("started", execution);
    const { queue, job } = execution;
    if (this.#log.takes("info")) {
      const what = this.#logDescription
        ? `${job.description} (${job.id})`
        : job.id;
      this.#log.info(`${queue}: ${what}`, factsOf(execution));
    }
  }

  /** Logs that it has failed. */
  failed({ execution, workedMs }: End, text: string): void {
    const { queue, job } = execution;
    const what = isWebhook(job)
      ? `Webhook failed: ${job.description}`
      : callbackName(job) !== undefined
      ? `Callback failed: ${job.description}`
      : "Job failed";
    this.#log.error(`${queue}: ${what} (${job.id})`, {
      ...factsOf(execution, workedMs),
      details: text,
    });
  }

  /** Logs that the function of a callback is not known here, once for each name. */
  unknownCallback(execution: Execution, why: string): void {
    const { queue, job } = execution;
    const name = callbackName(job) ?? "";
    if (this.#unknown.has(name)) return;
    if (this.#unknown.size >= MAX_TOLD) this.#unknown.clear();
    this.#unknown.add(name);
    const what = isForPython(job)
      ? "left to a Python worker"
      : "not called, no Python worker listens to the queue";
    this.#log.warn(
      `${queue}: Callback ${name} is ${what}: ${why} (${job.id})`,
      factsOf(execution),
    );
  }

  /** Logs that it was aborted. */
  aborted(execution: Execution, kind: AbortKind, workedMs: number): void {
    // Nothing is recorded that would be told.
    if (kind === "lost") this.#events?.tellEnd(execution, "lost", workedMs);
    const { queue, job } = execution;
    this.#log.warn(
      `${queue}: ${ABORTED[kind]} (${job.id})`,
      factsOf(execution, workedMs),
    );
  }

  /** Logs that the worker could not run it, and puts it back. */
  fault(execution: Execution, error: unknown): void {
    const { queue, job } = execution;
    logError(this.#log, error, {
      action: `${queue}: Cannot run the job, put back (${job.id})`,
      facts: factsOf(execution),
    });
  }

  /** Logs that what it logs cannot be stored. */
  logNotStored(execution: Execution, error: unknown): void {
    const { queue, job } = execution;
    const why = error instanceof Error ? error.message : String(error);
    this.#log.warn(
      `${queue}: Cannot store the log of the job: ${why} (${job.id})`,
      factsOf(execution),
    );
  }

  /** Logs Redis' answer to its end. */
  recorded(end: End, reply: EndReply): void {
    const { execution, ttl, workedMs } = end;
    this.#events?.tellEnd(execution, reply, workedMs);
    const { queue, job } = execution;
    if (reply === end.outcome && reply === "stopped") return; // logged when it was aborted
    const line = reply === "asleep"
      ? ["info", lineOfWake(JSON.parse(end.payload))] as const
      : lineOfReply(reply, end.retry?.type === "again");
    if (line === undefined) return;
    const [method, text] = line;
    if (!this.#log.takes(method)) return;
    const facts = factsOf(execution, isPutBack(end) ? undefined : workedMs);
    this.#log[method](`${queue}: ${text} (${job.id})`, facts);
    if (reply !== "finished") return;
    this.#log.info(lineOfTtl(ttl), facts);
    if ((job.integer("repeats_left") ?? 0) > 0) {
      this.#log.info(`${queue}: Job scheduled to repeat (${job.id})`, facts);
    }
  }
}

const ABORTED: Readonly<Record<AbortKind, string>> = {
  stopped: STOPPED_TEXT,
  killed: KILLED,
  cold: "Job killed by the cold shut down, put back",
  lost: "Lease lost, job killed, nothing recorded",
};

type Line = readonly [method: LogMethod, text: string];

function lineOfReply(reply: EndReply, wanted: boolean): Line | undefined {
  switch (reply) {
    case "failed":
      return wanted
        ? ["error", "Job failed, it has asked for too many retries"]
        : undefined;
    case "finished":
      return ["info", "Job OK"];
    case "stopped":
      return ["info", "Job stopped, as somebody had asked"];
    case "retried":
    case "scheduled":
      return [
        "info",
        `Job ${reply} ${wanted ? "at its own request" : "after its failure"}`,
      ];
    case "stuck":
      return [
        "error",
        "Job cannot be put back, a key of the queue holds another type of value",
      ];
    case "released":
      return ["debug", "Given back, not begun"];
    case "lost":
      return ["warn", "Lease lost, nothing recorded"];
    case "gone":
      return ["warn", "Job was deleted while it ran, nothing recorded"];
    default:
      return undefined;
  }
}

function lineOfWake({ at, signals }: Wake): string {
  const until = [
    ...signals.map((name) => `the signal "${name}"`),
    ...(at === null ? [] : [new Date(at * 1_000).toISOString()]),
  ];
  return `Job sleeps until ${until.join(" or ")}`;
}

function lineOfTtl(ttl: number): string {
  if (ttl === 0) return "Result discarded immediately";
  if (ttl < 0) return "Result will never expire, clean up result key manually";
  return `Result is kept for ${ttl} seconds`;
}

/** The facts of lines about an execution. */
export function factsOf(
  { queue, job }: Execution,
  durationMs?: number,
): LogFacts {
  const facts = { jobId: job.id, queue };
  const timed = durationMs === undefined ? {} : { durationMs };
  try {
    return { ...facts, func: job.call.funcName, ...timed };
  } catch {
    return { ...facts, ...timed }; // its data cannot be read, which is logged with its failure
  }
}
