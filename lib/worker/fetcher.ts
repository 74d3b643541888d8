/**
 * Gets jobs for a worker: claims them while there are some, and waits while there are none.
 *
 * @module
 */

import { pause } from "../base/timers.ts";
import { ReplyError } from "../redis/redis_client.ts";
import type { WorkerStore } from "../store/worker_store.ts";
import type {
  ClaimReply,
  End,
  Execution,
  PoppedJob,
  SkippedJob,
  Want,
  WorkerIdentity,
} from "../store/worker_types.ts";
import type { LogFacts, SteadyLog } from "./log.ts";
import {
  type DequeueStrategy,
  type QueueOrder,
  queueOrder,
} from "./queue_order.ts";
import { QueueWaiter } from "./queue_waiter.ts";
import type { Recorder } from "./recorder.ts";

/** The options of a {@linkcode Fetcher}. */
export interface FetcherOptions {
  readonly store: WorkerStore;
  /** Sends the claims, together with ends. */
  readonly recorder: Pick<Recorder, "end" | "endAndClaim">;
  readonly identity: WorkerIdentity;
  readonly strategy: DequeueStrategy;
  /** Whether to give up as soon as there are no jobs. */
  readonly burst: boolean;
  /** Milliseconds without a job after which to give up. */
  readonly maxIdleMs: number;
  readonly log: SteadyLog;
  /** Writes the worker's hash again after it has expired. */
  readonly register: () => Promise<void>;
  /** Aborted when no more jobs should be taken. */
  readonly stopping: AbortSignal;
}

/** Why there is no job. */
export type NoJob = "stopped" | "empty" | "suspended" | "idle";

/** The same, or that there are only suspects, which must not be taken now; see `SuspectRule`. */
export type NoneNow = NoJob | "suspect";

/** The results of a request for jobs. */
export interface Fetching {
  /** For each end that was sent with the first claim, whether it is recorded. */
  readonly recorded: readonly Promise<void>[];
  /**
   * The jobs, leased to this worker, or why there are none. If only prefetched ones were requested and there are
   * none now, an empty list, without waiting.
   */
  readonly jobs: Promise<readonly Execution[] | NoneNow>;
}

/** How long one BLMOVE blocks at most, in milliseconds; then the queues are claimed from again in any case. */
const BLOCK_MS = 10_000;
/** The pause while suspended, or if a queue is paused or its key cannot be waited on, as in RQ. */
const RETRY_MS = 1_000;
/** The pause while jobs wait for the turn of one that is being claimed, in milliseconds. */
const TURN_MS = 100;
/** Normal reasons to skip an id. */
const NORMAL: ReadonlySet<string> = new Set([
  "gone",
  "canceled",
  "stopped",
  "running",
  "over its limit",
]);

/** The reason for which a paused queue is skipped. */
const PAUSED = "paused";

/** Gets the next job. */
export class Fetcher implements AsyncDisposable {
  readonly #options: FetcherOptions;
  readonly #waiter: QueueWaiter;
  readonly #reported = new Set<string>();
  /** Queues that the last claim could not use, because a key of theirs holds another type of value, or they are paused. */
  #unusable: ReadonlySet<string> = new Set();
  #paused: ReadonlySet<string> = new Set();
  readonly #order: QueueOrder;
  #suspended = false;
  #hasWaited = false;
  /** Whether it has ever got a job with a fair key: others need not look for turns that nobody has given on. */
  #isFair = false;

  /** One for each worker. */
  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#order = queueOrder(options.strategy, options.identity.queues);
    const onTrouble = (text: string) => this.#report(text);
    this.#waiter = new QueueWaiter({ store: options.store, onTrouble });
  }

  /**
   * Requests the next jobs of the worker's queues. `ends` are recorded together with the first claim; see
   * {@linkcode Recorder.end} for their promises.
   */
  next(want: Want, ends: readonly End[] = []): Fetching {
    const { recorder, stopping } = this.#options;
    if (stopping.aborted) {
      return { recorded: recorder.end(ends), jobs: Promise.resolve("stopped") };
    }
    const { recorded, claimed } = this.#send(want, ends);
    return { recorded, jobs: this.#fetch(want, claimed) };
  }

  /** Whether the last request had to wait for jobs. */
  get hasWaited(): boolean {
    return this.#hasWaited;
  }

  /** Closes the blocking connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#waiter[Symbol.asyncDispose]();
  }

  async #fetch(
    want: Want,
    first: Promise<ClaimReply>,
  ): Promise<readonly Execution[] | NoneNow> {
    const { burst, stopping, maxIdleMs } = this.#options;
    const idleSince = performance.now();
    this.#hasWaited = false;
    for (let claimed = first;;) {
      let reply = await this.#read(claimed);
      if (typeof reply !== "string") return reply;
      if (want.jobs === 0) return [];
      if (reply === "suspect") return "suspect";
      if (reply === "suspended" && burst) return "suspended";
      if (reply === "suspended") await pause(RETRY_MS, stopping);
      let popped: PoppedJob[] = [];
      if (reply === "empty" && (burst || this.#isFair)) {
        if (await this.#passTurns()) reply = "more";
      }
      if (reply === "empty") {
        if (burst) return "empty";
        const left = maxIdleMs - (performance.now() - idleSince);
        if (left <= 0) return "idle";
        this.#hasWaited = true;
        popped = await this.#wait(Math.min(left, BLOCK_MS));
      }
      if (stopping.aborted) {
        await this.#giveBack(popped);
        return "stopped";
      }
      claimed = this.#send({ ...want, popped }, []).claimed;
    }
  }

  /**
   * Whether another claim may get a job that has waited for the turn of its fair key: a Python worker that has started a job
   * has not given the turn on. In burst mode, also if a job has the turn that somebody has popped and not claimed yet.
   */
  async #passTurns(): Promise<boolean> {
    const { store, burst, stopping } = this.#options;
    const { passed, waiting } = await store.passTurns(this.#usable);
    if (passed > 0) return true;
    if (!burst || waiting === 0) return false;
    await pause(TURN_MS, stopping);
    return true;
  }

  get #usable(): readonly string[] {
    const { queues } = this.#order;
    return this.#unusable.size === 0
      ? queues
      : queues.filter((queue) => !this.#unusable.has(queue));
  }

  #send(want: Want, ends: readonly End[]) {
    const { recorder, identity } = this.#options;
    return recorder.endAndClaim(
      { ...identity, queues: this.#order.queues },
      ends,
      want,
    );
  }

  async #read(
    claimed: Promise<ClaimReply>,
  ): Promise<
    readonly Execution[] | "more" | "empty" | "suspended" | "suspect"
  > {
    let reply: ClaimReply;
    try {
      reply = await claimed;
      if (reply.kind === "unregistered") await this.#options.register();
    } catch (error) {
      if (!(error instanceof ReplyError)) throw error;
      this.#report(`Cannot claim a job: ${error.message}`);
      await pause(RETRY_MS, this.#options.stopping);
      return "more"; // the sweeper puts back what was popped
    }
    for (const skipped of reply.skipped) {
      if (skipped.reason !== PAUSED) this.#reportSkipped(skipped);
    }
    if (reply.kind !== "suspended" && reply.kind !== "unregistered") {
      this.#noteQueues(reply.skipped);
    }
    const { executions } = reply;
    await this.#noteSuspension(reply.kind === "suspended", executions.length);
    if (executions.length > 0) {
      this.#order.served(executions.map(({ queue }) => queue));
      this.#isFair ||= executions.some(({ job }) => job.text("x_fair_key"));
      return executions;
    }
    return reply.kind === "jobs" || reply.kind === "unregistered"
      ? "more"
      : reply.kind;
  }

  /** Notes which queues a claim could not use, and tells of pauses that have begun or ended. */
  #noteQueues(skipped: readonly SkippedJob[]): void {
    const { log } = this.#options;
    const queues = skipped.filter(({ jobId }) => jobId === "");
    const paused = queues.filter(({ reason }) => reason === PAUSED);
    const before = this.#paused;
    this.#unusable = namesOf(queues);
    this.#paused = namesOf(paused);
    for (const queue of this.#paused.difference(before)) {
      log.info(`${queue}: Queue paused`, { queue });
    }
    for (const queue of before.difference(this.#paused)) {
      log.info(`${queue}: Queue resumed`, { queue });
    }
  }

  async #noteSuspension(suspended: boolean, claimed: number): Promise<void> {
    if (suspended === this.#suspended) return;
    const { log, store, identity } = this.#options;
    this.#suspended = suspended;
    log.info(
      suspended
        ? "Worker suspended, run `rq resume` to resume"
        : "Worker resumed",
    );
    if (claimed > 0) return; // the claim has set the state to "busy"
    const state = suspended ? "suspended" : "idle";
    try {
      await store.setWorkerFields(identity, { state });
    } catch (error) {
      // The state is only displayed: a full Redis must not end the worker because of it.
      if (!(error instanceof ReplyError)) throw error;
      log.warn(`Cannot show that the worker is ${state}: ${error.message}`);
    }
  }

  /** Waits until a queue may have a job. Queues that cannot be used are tried again by the next claim, soon. */
  async #wait(ms: number): Promise<PoppedJob[]> {
    const { stopping } = this.#options;
    const usable = this.#usable;
    const patience = usable.length === this.#order.queues.length
      ? ms
      : Math.min(ms, RETRY_MS);
    if (usable.length > 0) {
      return await this.#waiter.wait(usable, patience, stopping);
    }
    await pause(patience, stopping);
    return [];
  }

  async #giveBack(popped: readonly PoppedJob[]): Promise<void> {
    for (const job of popped.toReversed()) {
      await this.#options.store.giveBack(job);
    }
  }

  #reportSkipped({ queue, jobId, reason }: SkippedJob): void {
    const { log } = this.#options;
    if (NORMAL.has(reason)) {
      log.debug(`${queue}: Skipped a job, it is ${reason} (${jobId})`, {
        queue,
        jobId,
      });
    } else if (jobId === "") {
      this.#report(`${queue}: Skipped the queue, ${reason}`, { queue });
    } else {
      log.error(`${queue}: Skipped a job, ${reason} (${jobId})`, {
        queue,
        jobId,
      });
    }
  }

  /** Logs a problem once, however often it occurs. */
  #report(text: string, about: LogFacts = {}): void {
    if (this.#reported.has(text)) return;
    this.#reported.add(text);
    this.#options.log.error(text, about);
  }
}

function namesOf(skipped: readonly SkippedJob[]): ReadonlySet<string> {
  return new Set(skipped.map(({ queue }) => queue));
}
