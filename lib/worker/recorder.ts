/**
 * Sees to it that the end of each execution is stored.
 *
 * A job's work is done by then, so an end is worth waiting for: what Redis refuses for now (it is full, it loads its
 * data, it is a replica after a failover) is sent again until it is taken, while the lease is kept. Two things
 * have to be told apart from that. What Redis refuses for good is stored as a failure that says so. And where Redis is
 * full, it may be this very result that does not fit: after a minute, a large one is stored as such a failure, too, which
 * hardly needs any room. A worker that is told to stop waits for ten seconds more, then leaves the job to the next one.
 *
 * @module
 */

import { backoff } from "../base/backoff.ts";
import { pause, resolvesWithin } from "../base/timers.ts";
import { type Clock, SYSTEM_CLOCK } from "../base/clock.ts";
import {
  ConnectionLostError,
  ConnectionRefusedError,
  ReplyError,
} from "../redis/redis_client.ts";
import { LARGE_PAYLOAD } from "../store/records.ts";
import type { WorkerStore } from "../store/worker_store.ts";
import {
  type ClaimReply,
  type End,
  type EndReply,
  isPutBack,
  type Want,
  type WorkerIdentity,
} from "../store/worker_types.ts";
import { failedEnd } from "./ends.ts";
import type { InHand } from "./in_hand.ts";
import { factsOf, type JobLog } from "./job_log.ts";
import type { SteadyLog } from "./log.ts";

/** The options of a {@linkcode Recorder}. */
export interface RecorderOptions {
  readonly store: WorkerStore;
  readonly identity: WorkerIdentity;
  /** Tells whether the worker is busy, and whether a job has had a heartbeat. */
  readonly inHand: Pick<InHand, "isBusy" | "hasHeartbeat">;
  readonly log: SteadyLog;
  readonly jobLog: JobLog;
  /** Fires when the worker is to leave. */
  readonly stopping: AbortSignal;
  /** @default the system's */
  readonly clock?: Clock;
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

/** Milliseconds that a large result waits for room. */
const ROOM_MS = 60_000;
/** Longest pause before a result is sent again, in milliseconds: each time, a large one is work for everybody. */
const [LONGEST_PAUSE, LONGEST_PAUSE_LARGE] = [2_000, 10_000];
/** Milliseconds for which a worker that is told to stop still waits. */
const LEAVE_MS = 10_000;

/** Milliseconds that the answer to a claim waits for those to the ends that went with it. */
const TELL_MS = 1_000;

const NEVER = new AbortController().signal;

/** Records how executions ended. */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #clock: Clock;

  /** One for each worker. */
  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  /**
   * Records ends. Each has its own promise, in the order of the list, which resolves once it is stored, found to be
   * somebody else's by now, or given up. It rejects if nothing of it can be stored, not even that it failed.
   */
  end(ends: readonly End[]): Promise<void>[] {
    return this.#follow(ends, this.#send(ends));
  }

  /**
   * The same, and claims in the same round trip; see {@linkcode WorkerStore.endAndClaim}. The claim's answer is given once
   * the log has told of the ends that went with it, so that it tells of a job's end before the next one begins. It does
   * not wait for an end that has to be sent again because Redis refuses it, and not longer than a second: to release the
   * dependents of a job may take longer than the leases of what was claimed last.
   */
  endAndClaim(
    worker: WorkerIdentity,
    ends: readonly End[],
    want: Want,
  ): {
    readonly recorded: readonly Promise<void>[];
    readonly claimed: Promise<ClaimReply>;
  } {
    const { ended, claimed } = this.#options.store.endAndClaim(
      worker,
      ends.map((end) => this.#marked(end)),
      this.#state,
      want,
    );
    const recorded = this.#follow(ends, ended);
    // After `#follow()`, which has been waiting for the same answers for longer, and so is told of them first.
    const answered = Promise.allSettled([...ended, claimed]);
    return {
      recorded,
      claimed: resolvesWithin(answered, TELL_MS).then(() => claimed),
    };
  }

  /** Call it for a job of which nothing is recorded, its lease being lost: the worker may be idle now. */
  async skip(): Promise<void> {
    const { store, identity, inHand } = this.#options;
    if (!inHand.isBusy) await store.showIdle(identity);
  }

  get #state(): "busy" | "idle" {
    return this.#options.inHand.isBusy ? "busy" : "idle";
  }

  #marked(end: End): End {
    const hadHeartbeat = this.#options.inHand.hasHeartbeat(end.execution);
    return { ...end, hadHeartbeat };
  }

  #send(ends: readonly End[]): Promise<EndReply>[] {
    const { store, identity } = this.#options;
    const marked = ends.map((end) => this.#marked(end));
    return store.end(identity, marked, this.#state);
  }

  #follow(
    ends: readonly End[],
    replies: readonly Promise<EndReply>[],
  ): Promise<void>[] {
    return ends.map((end, i) => this.#see(end, replies[i]!));
  }

  /** Follows one end that has been sent until it is recorded. */
  async #see(end: End, sent: Promise<EndReply>): Promise<void> {
    const { jobLog, stopping } = this.#options;
    let [given, reply] = [end, sent];
    let patience: Patience | undefined;
    for (;;) {
      try {
        return jobLog.recorded(given, await reply);
      } catch (error) {
        patience ??= new Patience(stopping, this.#clock);
        const instead = given === end
          ? this.#instead(end, error, patience)
          : undefined;
        if (instead !== undefined) given = instead;
        else if (!isTransient(error)) throw error;
        else if (patience.isOver) return this.#giveUp(end, error);
        else {
          if (patience.pauses === 0) this.#tellRefusal(end, error);
          await patience.pause(
            isLarge(given) ? LONGEST_PAUSE_LARGE : LONGEST_PAUSE,
          );
        }
      }
      reply = this.#send([given])[0]!;
    }
  }

  /** What is stored in place of an end that Redis will not take, if it is time for that. */
  #instead(end: End, error: unknown, patience: Patience): End | undefined {
    if (isPutBack(end) || isOfConnection(error)) return undefined;
    if (!isTransient(error)) return this.#failed(end, "Redis refuses", error);
    const mayNotFit = error.code === "OOM" && isLarge(end);
    const hasWaited = patience.isOver || patience.waitedMs >= ROOM_MS;
    return mayNotFit && hasWaited
      ? this.#failed(end, "Redis has no room for", error)
      : undefined;
  }

  #tellRefusal({ execution }: End, error: ReplyError): void {
    const { queue, job } = execution;
    this.#options.log.warn(
      `${queue}: Redis does not accept the end of the job yet: ${error.message} (${job.id})`,
      factsOf(execution),
    );
  }

  /** Its lease runs out, and the sweep of another worker finds it. */
  #giveUp({ execution, workedMs }: End, error: ReplyError): void {
    const { queue, job } = execution;
    this.#options.log.error(
      `${queue}: Redis has not taken the end of the job, another worker will run it again: ${error.message} (${job.id})`,
      factsOf(execution, workedMs),
    );
  }

  /** What is stored instead of an end that Redis does not take. */
  #failed(
    { execution, outcome, payload, workedMs }: End,
    how: string,
    error: unknown,
  ): End {
    const why = error instanceof Error ? error.message : String(error);
    const what = outcome === "finished" ? "result" : "failure";
    const bytes = payload.length.toLocaleString("en");
    const text =
      `Cannot store the ${what} of the job: ${how} its ${bytes} bytes: ${why}`;
    const end = failedEnd(execution, "failed", text, workedMs);
    this.#options.jobLog.failed(end, text);
    return end;
  }
}

/** How long an end has been refused, and what is left of the time of a worker that is told to stop. */
class Patience {
  readonly #stopping: AbortSignal;
  readonly #clock: Clock;
  readonly #since: number;
  #stoppedAt = Infinity;
  #pauses = 0;

  constructor(stopping: AbortSignal, clock: Clock) {
    this.#stopping = stopping;
    this.#clock = clock;
    this.#since = clock.now();
    this.#look();
  }

  get waitedMs(): number {
    return this.#clock.now() - this.#since;
  }

  /** Whether the worker has to leave without it. */
  get isOver(): boolean {
    return this.#clock.now() - this.#stoppedAt >= LEAVE_MS;
  }

  get pauses(): number {
    return this.#pauses;
  }

  /** Longer each time, but a stop ends it. */
  async pause(cap: number): Promise<void> {
    const signal = this.#stoppedAt === Infinity ? this.#stopping : NEVER;
    await pause(backoff(this.#pauses++, { cap }), signal, this.#clock);
    this.#look();
  }

  #look(): void {
    if (!this.#stopping.aborted) return;
    this.#stoppedAt = Math.min(this.#stoppedAt, this.#clock.now());
  }
}

function isLarge({ payload }: End): boolean {
  return payload.length >= LARGE_PAYLOAD;
}

/** Whether Redis cannot be reached any more, so that nothing else can be recorded either. */
function isOfConnection(error: unknown): boolean {
  return error instanceof ConnectionLostError ||
    error instanceof ConnectionRefusedError;
}

function isTransient(error: unknown): error is ReplyError {
  return error instanceof ReplyError && TRANSIENT.has(error.code);
}
