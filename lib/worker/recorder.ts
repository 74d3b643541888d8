/**
 * Sees to it that the end of each execution is stored, however long Redis takes to accept it.
 *
 * @module
 */

import { backoff } from "../base/backoff.ts";
import { pause } from "../base/timers.ts";
import { type Clock, SYSTEM_CLOCK } from "../base/clock.ts";
import {
  ConnectionLostError,
  ConnectionRefusedError,
  ReplyError,
} from "../redis/redis_client.ts";
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

/** What a {@linkcode Recorder} works with. */
export interface RecorderOptions {
  readonly store: WorkerStore;
  readonly identity: WorkerIdentity;
  /** What is asked is whether the worker is busy, and whether a job ever had a heartbeat. */
  readonly inHand: Pick<InHand, "isBusy" | "hasHeartbeat">;
  readonly log: SteadyLog;
  readonly jobLog: JobLog;
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
   * Records ends. Each has its own promise, in the order of the list, which resolves once it is stored, or
   * found to be somebody else's by now. It rejects if nothing of it can be stored, not even that it failed.
   */
  end(ends: readonly End[]): Promise<void>[] {
    return this.#follow(ends, this.#send(ends));
  }

  /** The same, and claims in the same round trip; see {@linkcode WorkerStore.endAndClaim}. */
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
    return { recorded: this.#follow(ends, ended), claimed };
  }

  /** Nothing is recorded of a job whose lease is lost; the worker may be idle by that. */
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

  /** Sees to one end that has been sent. */
  async #see(end: End, sent: Promise<EndReply>): Promise<void> {
    const { jobLog } = this.#options;
    let [given, reply] = [end, sent];
    for (let attempt = 0;; attempt++) {
      try {
        return jobLog.recorded(given, await reply);
      } catch (error) {
        if (isOfConnection(error)) throw error;
        if (isTransient(error)) {
          if (attempt === 0) this.#tellRefusal(given, error);
          await this.#pause(backoff(attempt));
        } else {
          if (given !== end || isPutBack(end)) throw error;
          given = this.#unstorable(end, error);
        }
      }
      reply = this.#send([given])[0]!;
    }
  }

  #pause(ms: number): Promise<void> {
    return pause(ms, new AbortController().signal, this.#clock);
  }

  #tellRefusal({ execution }: End, error: ReplyError): void {
    const { queue, job } = execution;
    this.#options.log.warn(
      `${queue}: Redis does not take the end of the job yet: ${error.message} (${job.id})`,
      factsOf(execution),
    );
  }

  /** What is stored instead of an end that Redis refuses for good. */
  #unstorable({ execution, payload, workedMs }: End, error: unknown): End {
    const why = error instanceof Error ? error.message : String(error);
    const text =
      `Cannot store the end of the job: Redis refuses its ${payload.length} bytes: ${why}`;
    const end = failedEnd(execution, "failed", text, workedMs);
    this.#options.jobLog.failed(end, text);
    return end;
  }
}

/** Whether Redis cannot be reached any more, so that nothing else can be stored either. */
function isOfConnection(error: unknown): boolean {
  return error instanceof ConnectionLostError ||
    error instanceof ConnectionRefusedError;
}

function isTransient(error: unknown): error is ReplyError {
  return error instanceof ReplyError && TRANSIENT.has(error.code);
}
