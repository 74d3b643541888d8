/**
 * The main loop of a worker: keeps it busy with as many jobs as it may run at once. While jobs are short, it also
 * prefetches a few more, so that it need not wait for Redis between two jobs.
 *
 * Nothing here waits. Each operation in progress (a claim, a run, the recording of an end, an alarm) wakes the loop when
 * it ends, in whatever way, and one step then decides what is next, only by what is in hand. So no order of events can
 * be missed: until the loop leaves, a claim or an alarm is in progress, or a job is in hand.
 *
 * Ends of jobs are collected and recorded together with the next claim, in one round trip; see
 * `WorkerStore.endAndClaim()`.
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

/** The most jobs of one claim, so that no script takes Redis more than 2 ms; 80 were no faster. */
const MAX_CLAIM = 50;
/** How long a prefetched job may wait here, in milliseconds. If it has to wait longer, jobs are no longer short. */
const WAIT_MS = 50;
/** How long the end of a short job waits to be recorded together with others, in milliseconds. */
const GATHER_MS = 4;
/**
 * How long jobs that ran and go back wait for those that still run, in milliseconds: if a cold shutdown kills all of
 * them, or no process can be started for any, they go back to their queue in its order.
 */
const GATHER_BACK_MS = 1_000;

/** The options of a {@linkcode JobLoop}. */
export interface JobLoopOptions {
  readonly fetcher: Pick<Fetcher, "next" | "hasWaited">;
  readonly executor: Pick<Executor, "run" | "notBegun">;
  readonly recorder: Pick<Recorder, "end" | "skip">;
  /** Keeps track of the loop's jobs. */
  readonly inHand: InHand;
  /** How many jobs may run at once. */
  readonly concurrency: number;
  /** How many jobs to run in all. */
  readonly maxJobs: number;
  /** Whether jobs may be claimed before there is room for them. */
  readonly prefetches: boolean;
  /** Aborted when no more jobs should be begun. */
  readonly stopping: AbortSignal;
  /** Ends a claim that waits for jobs, because the loop cannot go on, even if `stopping` is not aborted. */
  readonly halt: () => void;
  /** Called with each job that is claimed. */
  readonly onClaimed?: (execution: Execution) => void;
  /** Keeps the worker from claiming while no job can be begun. @default a new one */
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
  /** Whether a claim is in progress, which may take until there is a job. */
  #claiming = false;
  /** Whether the last claim got everything it requested, so that there may be more. */
  #hasMore = false;
  /** Why there was no job at the last claim; valid until something in hand changes, since a job may add jobs. */
  #none: NoJob | undefined;
  /** Why the loop cannot go on. */
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

  /** How many jobs it has claimed, without those that it returned before beginning them. */
  get claimed(): number {
    return this.#claimed;
  }

  /**
   * Runs jobs; returns why it has stopped. It rejects with the error that keeps it from claiming or recording, or with a
   * `CannotStartError`. In any case, nothing is in hand at the end.
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

  /** Something has changed: schedules a step. With concurrent jobs, changes of one turn of the event loop share a step. */
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

  /** Schedules a step in so many milliseconds. */
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

  /** Decides what to do next. May be called at any time, any number of times. */
  #step(): void {
    const claims = this.#claimMore();
    if (!claims) this.#recordSoon();
    // Beginning many jobs takes as long as claiming many: request the next ones first.
    if (claims && Math.min(this.#slots, this.#inHand.waiting) > 1) {
      this.#wakeSoon();
    } else this.#begin();
    this.#giveBack();
    this.#leave();
  }

  /** Whether no more jobs will be begun. */
  get #isLeaving(): boolean {
    return this.#options.stopping.aborted || this.#failure !== undefined;
  }

  /** How many more jobs may run now. */
  get #slots(): number {
    return this.#options.concurrency - this.#inHand.running;
  }

  /** How many more jobs could be begun at once; if negative, so many jobs have to wait. */
  get #room(): number {
    return this.#slots - this.#inHand.waiting;
  }

  /** Requests more jobs if there is room, and records ends with the same call; returns whether it does. */
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

  /** How many jobs to prefetch; none before half of the last ones have begun. */
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

  /** What the next claim should do with suspects. */
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
      this.#options.onClaimed?.(execution);
      if (isSuspect(execution.job)) this.#rule.reset();
    }
  }

  /** @param isFresh Whether no end has been recorded since the queues were read; a job that ended may have added jobs. */
  #takeNone(reply: NoneNow, isFresh: boolean): void {
    this.#hasMore = false;
    if (reply === "suspect") {
      if (this.#inHand.isBusy) this.#rule.met();
    } else if (reply === "idle") {
      if (this.#inHand.size === 0) this.#none = reply;
    } else if (isFresh || reply === "stopped") this.#none = reply;
  }

  /** Begins waiting jobs while there is room. */
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

  /** Updates the estimates and the backoff from an end. */
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

  /** Handles the end of a job; without `end`, nothing is recorded. */
  #end(execution: Execution, end: End | undefined): void {
    this.#none = undefined;
    this.#inHand.end(execution, end);
    if (end === undefined) {
      void this.#release(execution, this.#options.recorder.skip());
    }
  }

  /**
   * Returns prefetched jobs to the head of their queue, for other workers: if they will not be begun, or none has begun
   * for too long. While a claim is in progress, waits for it: its jobs were further back.
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

  /** Records ends that no claim takes along: at once, or a little later together with those that will follow. */
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

  /** Removes a recorded execution. If it cannot be recorded, the worker ends, and its lease runs out. */
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

  /** Begins no more jobs; the running ones still end and are recorded. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#options.halt();
  }

  /** Ends the loop if there is a reason to, and nothing is left to do. */
  #leave(): void {
    if (this.#claiming || this.#inHand.size > 0) return;
    if (this.#failure !== undefined) this.#left.reject(this.#failure.error);
    else if (this.#options.stopping.aborted) this.#left.resolve("stopped");
    else if (this.#claimed >= this.#options.maxJobs) this.#left.resolve("max");
    else if (this.#none !== undefined) this.#left.resolve(this.#none);
  }
}
