/**
 * Keeps a worker busy with as many jobs as it may run at once. While jobs are short it claims a few more than
 * that (prefetches them), so that it need not wait for Redis between two of them.
 *
 * Nothing here waits. What is under way (a claim, a run, the recording of an end, an alarm) wakes the loop when it is
 * over, however it ends, and one step then decides what is next by what is in hand alone. So there is
 * no order of events that the loop could miss: while it has not left, a claim or an alarm is under way, or a job in hand.
 *
 * Ends of jobs are gathered and recorded together with the next claim, in one round trip; see `WorkerStore.endAndClaim()`.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { isSuspect } from "../job/record.ts";
import {
  type End,
  type Execution,
  isPutBack,
  type SuspectMode,
  type Want,
} from "../store/worker_types.ts";
import type { Executor, RunEnd } from "./execution.ts";
import type { Fetcher, NoJob, NoneNow } from "./fetcher.ts";
import type { Begun, InHand } from "./in_hand.ts";
import { PrefetchEstimator } from "./prefetch_estimator.ts";
import type { Recorder } from "./recorder.ts";
import { StartBackoff } from "./start_backoff.ts";
import { SuspectRule } from "./suspect_rule.ts";

/** Most jobs of one claim, so that no script holds Redis for more than 2 ms; 80 were no faster. */
const MAX_CLAIM = 50;
/** Milliseconds that a prefetched job may wait here. Where one has to wait longer, jobs are no longer short. */
const WAIT_MS = 50;
/** Milliseconds that the end of a short job waits for others, to be recorded together with them. */
const GATHER_MS = 4;
/**
 * Milliseconds that jobs which ran and go back wait for those that still run: where a cold shutdown kills all of them, or
 * no process can be started for any, they go back to their queue in its order.
 */
const GATHER_BACK_MS = 1_000;

/** What a {@linkcode JobLoop} works with. */
export interface JobLoopOptions {
  readonly fetcher: Pick<Fetcher, "next" | "hasWaited">;
  readonly executor: Pick<Executor, "run" | "notBegun">;
  readonly recorder: Pick<Recorder, "end" | "skip">;
  /** Where the loop keeps account of its jobs. */
  readonly inHand: InHand;
  /** How many jobs may run at once. */
  readonly concurrency: number;
  /** How many jobs to run altogether. */
  readonly maxJobs: number;
  /** Whether jobs may be claimed before there is room for them. */
  readonly prefetches: boolean;
  /** Fires when no more work is to be begun. */
  readonly stopping: AbortSignal;
  /** Ends a claim that waits for jobs, since the loop cannot go on; `stopping` need not fire. */
  readonly halt: () => void;
  /** Keeps the worker from claiming where no job can be begun. @default a new one */
  readonly starts?: StartBackoff;
}

/** Claims, runs and records jobs until there is a reason to leave. */
export class JobLoop {
  readonly #options: JobLoopOptions;
  readonly #inHand: InHand;
  readonly #estimator: PrefetchEstimator;
  readonly #rule = new SuspectRule();
  readonly #starts: StartBackoff;
  readonly #left = Promise.withResolvers<NoJob | "max">();
  #claimed = 0;
  /** Whether a claim is under way, which may take until there is a job. */
  #claiming = false;
  /** Whether the last claim got all that it asked for at once: there may be more. */
  #hasMore = false;
  /** Why there was no job when last asked; holds until something in hand changes, which may add some. */
  #none: NoJob | undefined;
  /** What has made it impossible to go on. */
  #failure: { readonly error: unknown } | undefined;
  /** How many ends have been recorded, or given up. */
  #recorded = 0;
  #lastBegan = 0;
  #isStepDue = false;
  #alarm: ReturnType<typeof setTimeout> | undefined;
  #alarmAt = Infinity;

  /** One for each worker. */
  constructor(options: JobLoopOptions) {
    this.#options = options;
    this.#inHand = options.inHand;
    const { prefetches, concurrency } = options;
    this.#estimator = new PrefetchEstimator(prefetches ? concurrency : 0);
    this.#starts = options.starts ?? new StartBackoff();
  }

  /** How many jobs it has claimed and not put back without having begun them. */
  get claimed(): number {
    return this.#claimed;
  }

  /**
   * Runs jobs; tells why it has stopped. Nothing is in hand then, also if it rejects: with what keeps it from claiming or
   * recording, or with a `CannotStartError`.
   */
  async run(): Promise<NoJob | "max"> {
    const { stopping } = this.#options;
    const onStop = () => this.#wakeSoon();
    stopping.addEventListener("abort", onStop);
    this.#step();
    try {
      return await this.#left.promise;
    } finally {
      stopping.removeEventListener("abort", onStop);
      clearTimeout(this.#alarm);
    }
  }

  /** Something has changed. Where jobs run side by side, what changes in one turn of the event loop is dealt with together. */
  #wake(): void {
    if (this.#options.concurrency === 1) this.#step();
    else this.#wakeSoon();
  }

  #wakeSoon(): void {
    if (this.#isStepDue) return;
    this.#isStepDue = true;
    setImmediate(() => {
      this.#isStepDue = false;
      this.#step();
    });
  }

  /** Sees to it that there is a step in so many milliseconds. */
  #wakeIn(ms: number): void {
    const at = performance.now() + ms;
    if (at >= this.#alarmAt) return;
    clearTimeout(this.#alarm);
    this.#alarmAt = at;
    this.#alarm = setTimeout(() => {
      this.#alarmAt = Infinity;
      this.#step();
    }, Math.max(1, Math.ceil(ms)));
  }

  /** Decides what is next. May be called at any time, and any number of times. */
  #step(): void {
    const claims = this.#claimMore();
    if (!claims) this.#recordSoon();
    // To begin many takes as long as to claim many: Redis is asked for the next ones first.
    if (claims && Math.min(this.#slots, this.#inHand.waiting) > 1) {
      this.#wakeSoon();
    } else this.#begin();
    this.#giveBack();
    this.#leave();
  }

  /** Whether no more jobs are to be begun at all. */
  get #isLeaving(): boolean {
    return this.#options.stopping.aborted || this.#failure !== undefined;
  }

  /** How many more jobs may run. */
  get #slots(): number {
    return this.#options.concurrency - this.#inHand.running;
  }

  /** For how many more jobs there is room; below 0, so many will have to wait. */
  get #room(): number {
    return this.#slots - this.#inHand.waiting;
  }

  /** Asks for more jobs if there is room for any, and tells whether it does. What has ended is recorded along with it. */
  #claimMore(): boolean {
    if (this.#claiming || this.#none !== undefined) return false;
    if (this.#isLeaving || this.#inHand.isAlone) return false;
    const restMs = Math.max(
      this.#starts.pauseMs(),
      this.#inHand.isBusy ? this.#rule.holdMs() : 0,
    );
    if (restMs > 0) {
      this.#wakeIn(restMs);
      return false;
    }
    const left = Math.min(this.#options.maxJobs - this.#claimed, MAX_CLAIM);
    const most = this.#starts.isFailing ? Math.min(left, 1) : left;
    const wanted = Math.max(0, Math.min(this.#room, most));
    const prefetch = Math.max(0, Math.min(this.#prefetch(), most - wanted));
    if (wanted + prefetch === 0) return false;
    void this.#claim({
      jobs: wanted,
      prefetch,
      mode: this.#mode(wanted + prefetch),
    }, wanted + prefetch);
    return true;
  }

  /** How many jobs to claim before there is room for them; not before half of the last ones have begun. */
  #prefetch(): number {
    if (!this.#hasMore) return 0;
    const most = Math.min(this.#estimator.prefetch, MAX_CLAIM);
    const waiting = Math.max(0, -this.#room);
    return waiting * 2 > most ? 0 : most - waiting;
  }

  async #claim(want: Want, most: number): Promise<void> {
    const before = this.#recorded;
    this.#claiming = true;
    try {
      const ends = this.#inHand.takeEnds();
      const { recorded, jobs } = this.#options.fetcher.next(want, ends);
      this.#seeRecorded(ends, recorded);
      const reply = await jobs;
      if (typeof reply !== "string") this.#take(reply, most);
      else this.#takeNone(reply, before === this.#recorded);
    } catch (error) {
      this.#fail(error);
    }
    this.#claiming = false;
    this.#wake();
  }

  /** What the claim is told of the worker's hands. */
  #mode(most: number): SuspectMode {
    if (this.#inHand.isBusy) return this.#rule.mode();
    return this.#options.concurrency === 1 && most === 1 ? "only" : "free";
  }

  #take(executions: readonly Execution[], most: number): void {
    this.#hasMore = executions.length === most &&
      !this.#options.fetcher.hasWaited;
    this.#claimed += executions.length;
    for (const execution of executions) {
      this.#inHand.add(execution);
      if (isSuspect(execution.job)) this.#rule.reset();
    }
  }

  /** @param isFresh whether no end has been recorded since the queues were looked at: it may have added jobs */
  #takeNone(reply: NoneNow, isFresh: boolean): void {
    this.#hasMore = false;
    if (reply === "suspect") {
      if (this.#inHand.isBusy) this.#rule.met();
    } else if (reply === "idle") {
      if (this.#inHand.size === 0) this.#none = reply;
    } else if (isFresh || reply === "stopped") this.#none = reply;
  }

  /** Begins what waits, as far as there is room. */
  #begin(): void {
    if (this.#isLeaving || this.#starts.pauseMs() > 0) return;
    while (this.#slots > 0) {
      const begun = this.#inHand.begin();
      if (begun === undefined) return;
      this.#lastBegan = performance.now();
      void this.#run(begun);
    }
  }

  async #run({ execution, signal }: Begun): Promise<void> {
    const ended = await this.#options.executor.run(execution, signal);
    this.#end(execution, ended.end);
    this.#learn(ended);
    this.#wake();
  }

  /** What an end says about those to come. */
  #learn({ end, hasBegun, fault }: RunEnd): void {
    if (fault !== undefined) {
      this.#claimed--;
      this.#starts.failed(fault);
      const { hopeless } = this.#starts;
      if (hopeless !== undefined && this.#inHand.running === 0) {
        this.#fail(hopeless);
      }
      return;
    }
    if (hasBegun) this.#starts.succeeded();
    if (end !== undefined && !isPutBack(end)) {
      this.#estimator.note(end.workedMs);
    }
  }

  /** A job is over; without an end, nothing is recorded of it. */
  #end(execution: Execution, end: End | undefined): void {
    this.#none = undefined;
    this.#inHand.end(execution, end);
    if (end === undefined) {
      void this.#release(execution, this.#options.recorder.skip());
    }
  }

  /**
   * Returns prefetched jobs to the head of their queue, for other workers: if they are not to be begun, or none has begun
   * for too long. While a claim is under way, waits for it: its jobs were further back.
   */
  #giveBack(): void {
    const { waiting } = this.#inHand;
    if (waiting === 0 || this.#claiming) return;
    if (!this.#isLeaving && this.#starts.pauseMs() === 0) {
      if (this.#slots > 0) return; // about to begin
      const leftMs = this.#lastBegan + WAIT_MS - performance.now();
      if (leftMs > 0) return this.#wakeIn(leftMs);
      this.#estimator.note(WAIT_MS);
    }
    this.#hasMore = false;
    this.#claimed -= waiting;
    for (const execution of this.#inHand.takeWaiting()) {
      const abortedBy = this.#inHand.abortedBy(execution);
      const end = this.#options.executor.notBegun(execution, abortedBy);
      this.#end(execution, end);
    }
    this.#recordSoon();
  }

  /** Where no claim takes them along: at once, or a little later together with those that are about to follow. */
  #recordSoon(): void {
    if (this.#inHand.ended === 0) return;
    const gatherMs = this.#inHand.isBusy ? this.#gatherMs() : 0;
    const leftMs = gatherMs - this.#inHand.endedForMs;
    if (leftMs > 0) return this.#wakeIn(leftMs);
    const ends = this.#inHand.takeEnds();
    this.#seeRecorded(ends, this.#options.recorder.end(ends));
  }

  #gatherMs(): number {
    if (this.#inHand.hasCutShort) return GATHER_BACK_MS;
    const isFull = this.#inHand.ended >= MAX_CLAIM;
    return isFull || this.#estimator.prefetch === 0 ? 0 : GATHER_MS;
  }

  #seeRecorded(
    ends: readonly End[],
    recorded: readonly Promise<void>[],
  ): void {
    ends.forEach(({ execution }, i) => {
      void this.#release(execution, recorded[i]!);
    });
  }

  /** What cannot be recorded is not kept: its lease runs out, and since nobody knows why, the worker ends. */
  async #release(execution: Execution, recorded: Promise<void>): Promise<void> {
    try {
      await recorded;
    } catch (error) {
      this.#fail(error);
    }
    this.#inHand.remove(execution);
    this.#recorded++;
    this.#none = undefined;
    this.#wake();
  }

  /** Nothing more is begun; what runs is seen to its recorded end. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#options.halt();
  }

  /** Leaves if there is a reason to, and nothing is left to be done. */
  #leave(): void {
    if (this.#claiming || this.#inHand.size > 0) return;
    if (this.#failure !== undefined) this.#left.reject(this.#failure.error);
    else if (this.#options.stopping.aborted) this.#left.resolve("stopped");
    else if (this.#claimed >= this.#options.maxJobs) this.#left.resolve("max");
    else if (this.#none !== undefined) this.#left.resolve(this.#none);
  }
}
