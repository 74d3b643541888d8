/**
 * Makes sure that the end of each execution is recorded.
 *
 * The job's work is done by then, so an end is worth waiting for: if Redis refuses it for now (it is full, is loading
 * its data, is a replica after a failover), it is sent again until it is accepted, while the lease is extended. There are
 * two exceptions. An end that Redis refuses for good is recorded as a failure that says so. And if Redis is full, this
 * very result may not fit: after a minute, a large one is recorded as such a failure too, which needs hardly any room.
 * A worker that is told to stop waits for ten more seconds, then leaves the job to another one.
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
  /** Aborted when the worker should leave. */
  readonly stopping: AbortSignal;
  /** @default the system's */
  readonly clock?: Clock;
}

/** Error replies after which Redis may accept the same call later. */
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

/** How long a large result waits for room, in milliseconds. */
const ROOM_MS = 60_000;
/** The longest pauses before an end is sent again, in milliseconds; longer for a large one, which costs more each time. */
const [LONGEST_PAUSE, LONGEST_PAUSE_LARGE] = [2_000, 10_000];
/** How long a worker that is told to stop still waits, in milliseconds. */
const LEAVE_MS = 10_000;

/** How long the answer to a claim waits for the answers to the ends that were sent with it, in milliseconds. */
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
   * Records ends. Returns a promise for each, in the order of the list, which resolves once the end is recorded or given
   * up, or the job turns out to belong to somebody else. It rejects if nothing can be recorded, not even a failure.
   */
  end(ends: readonly End[]): Promise<void>[] {
    return this.#follow(ends, this.#send(ends));
  }

  /**
   * Records ends and claims in the same round trip; see {@linkcode WorkerStore.endAndClaim}. The claim resolves after the
   * ends that were sent with it are logged, so that the log shows a job's end before the next one begins. It does not
   * wait for an end that has to be sent again, nor for longer than a second: releasing many dependents may take longer
   * than the new leases last.
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
    // After `#follow()`, so that its reactions to the same answers run first.
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

  /** The failure to record instead of an end that Redis refuses, if it is time for that. */
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

  /** Gives up an end: the job's lease runs out, and another worker's sweep finds it. */
  #giveUp({ execution, workedMs }: End, error: ReplyError): void {
    const { queue, job } = execution;
    this.#options.log.error(
      `${queue}: Redis has not accepted the end of the job, another worker will run it again: ${error.message} (${job.id})`,
      factsOf(execution, workedMs),
    );
  }

  /** The failure to record instead of an end. */
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

/** Keeps track of how long an end has been refused, and of the time that is left after a stop. */
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

  /** Whether the worker has to leave without recording it. */
  get isOver(): boolean {
    return this.#clock.now() - this.#stoppedAt >= LEAVE_MS;
  }

  get pauses(): number {
    return this.#pauses;
  }

  /** Pauses, longer each time. A stop ends the pause. */
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
