/**
 * What a worker's log tells of its jobs, in RQ's words where it has some.
 *
 * @module
 */

import type { Ending, EndingReply, Execution } from "../store/worker_types.ts";
import { type Ended, KILLED, STOPPED } from "./ended.ts";
import type { LogFacts, LogMethod, SteadyLog } from "./log.ts";

/** Fields of newer RQs that ask for more than to run the job. */
const NOT_HONOURED = [
  ["repeats_left", "Repeats are"],
  ["rate_limit_key", "Rate limits are"],
  ["success_callback_name", "Callbacks are"],
  ["failure_callback_name", "Callbacks are"],
  ["stopped_callback_name", "Callbacks are"],
  ["webhooks", "Webhooks are"],
] as const;

/** Writes the lines of each job. */
export class JobLog {
  readonly #log: SteadyLog;
  readonly #logDescription: boolean;

  /**
   * Writes nothing yet.
   *
   * @param logDescription whether lines show the call
   */
  constructor(log: SteadyLog, logDescription: boolean) {
    this.#log = log;
    this.#logDescription = logDescription;
  }

  /** A job is begun. */
  begin(execution: Execution): void {
    const { queue, job } = execution;
    const facts = factsOf(execution);
    const what = this.#logDescription
      ? `${job.description} (${job.id})`
      : job.id;
    this.#log.info(`${queue}: ${what}`, facts);
    for (const [field, feature] of NOT_HONOURED) {
      if (job.text(field) === undefined) continue;
      this.#log.warn(
        `${queue}: ${feature} not done by this worker (${job.id})`,
        facts,
      );
    }
  }

  /** It is over; how that is stored is not known yet. */
  end(execution: Execution, ended: Ended): void {
    const [method, text] = lineOfEnd(ended) ?? [];
    if (method === undefined) return;
    const facts = factsOf(execution, ended);
    const { queue, job } = execution;
    const details = ended.kind === "outcome" &&
        ended.outcome.type === "failure"
      ? { details: ended.outcome.excInfo }
      : {};
    this.#log[method](`${queue}: ${text} (${job.id})`, {
      ...facts,
      ...details,
    });
  }

  /** Redis has answered to its end. */
  recorded(
    execution: Execution,
    ended: Ended,
    { ttl }: Ending,
    reply: EndingReply,
  ): void {
    const { queue, job } = execution;
    const facts = factsOf(execution, ended);
    const [method, text] = lineOfReply(reply) ?? [];
    if (method === undefined) return;
    this.#log[method](`${queue}: ${text} (${job.id})`, facts);
    if (reply === "finished") this.#log.info(lineOfTtl(ttl), facts);
  }
}

type Line = readonly [method: LogMethod, text: string];

function lineOfEnd(ended: Ended): Line | undefined {
  switch (ended.kind) {
    case "stopped":
      return ["warn", STOPPED];
    case "killed":
      return ["warn", KILLED];
    case "cold":
      return ["warn", "Job killed by the cold shut down, put back"];
    case "broken":
      return ["error", `${ended.why}, put back`];
    case "outcome":
      return ended.outcome.type === "failure"
        ? ["error", "Job failed"]
        : undefined;
    default:
      return undefined;
  }
}

function lineOfReply(reply: EndingReply): Line | undefined {
  switch (reply) {
    case "finished":
      return ["info", "Job OK"];
    case "retried":
    case "scheduled":
      return ["info", `Job ${reply} after its failure`];
    case "stuck":
      return [
        "error",
        "Job cannot be put back, a key of the queue holds another type of value",
      ];
    case "returned":
      return ["debug", "Given back, not begun"];
    case "lost":
      return ["warn", "Lease lost, nothing recorded"];
    case "gone":
      return ["warn", "Job was deleted while it ran, nothing recorded"];
    default:
      return undefined;
  }
}

function lineOfTtl(ttl: number): string {
  if (ttl === 0) return "Result discarded immediately";
  if (ttl < 0) return "Result will never expire, clean up result key manually";
  return `Result is kept for ${ttl} seconds`;
}

/** What a line about a job is about. */
export function factsOf({ queue, job }: Execution, ended?: Ended): LogFacts {
  const facts = { jobId: job.id, queue };
  const timed = ended !== undefined && "workedMs" in ended
    ? { durationMs: ended.workedMs }
    : {};
  try {
    return { ...facts, func: job.call.funcName, ...timed };
  } catch {
    return { ...facts, ...timed }; // its data cannot be read, which its failure tells
  }
}
