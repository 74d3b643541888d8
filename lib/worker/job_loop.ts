/**
 * Keeps a worker's hands full: as many jobs as it may run at once, and while jobs
 * are short a few more, so that nobody waits for Redis between two of them.
 *
 * Nothing here waits. What is under way (a claim, a run, the recording of an end, an alarm) wakes the loop when it is
 * over, however it ends, and one step then decides what is next by what is in hand alone. So there is
 * no order of events that the loop could miss: while it has not left, a claim or an alarm is under way, or a job in hand.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { isSuspect } from "../job/record.ts";
import type { Execution, SuspectMode } from "../store/worker_types.ts";
import { type Ended, hasBegun, isPutBack } from "./ended.ts";
import type { Executor } from "./execution.ts";
import type { Fetcher, NoJob, NoneNow } from "./fetcher.ts";
import type { Begun, InHand } from "./in_hand.ts";
import { Pace } from "./pace.ts";
import { StartBackoff } from "./start_backoff.ts";
import { SuspectRule } from "./suspect_rule.ts";

/** Most jobs of one claim, so that no script holds Redis for more than 2 ms; 80 were no faster. */
const MAX_CLAIM = 50;
/** Milliseconds that a job waits here at most; then those before it are not as short as was to be expected. */
const WAIT_MS = 50;
/** Milliseconds that the end of a short job waits for others, to be recorded together with them. */
const GATHER_MS = 4;
/**
 * Milliseconds that jobs which go back wait for those that run beside them: where a cold shutdown kills all of them, or no
 * process can be started for any, they go back to their queue in its order.
 */
const GATHER_BACK_MS = 1_000;

/** What a {@linkcode JobLoop} works with. */
export interface JobLoopOptions {
  readonly fetcher: Pick<Fetcher, "next" | "ahead" | "hasWaited">;
  readonly executor: Pick<Executor, "run" | "record">;
  /** Where the loop keeps account of its jobs. */
  readonly inHand: InHand;
  /** How many jobs may run at once. */
  readonly concurrency: number;
  /** How many jobs to run altogether. */
  readonly maxJobs: number;
  /** Whether jobs may be claimed before there is room for them. */
  readonly claimsAhead: boolean;
  /** Fires when no more work is to be begun. */
  readonly stopping: AbortSignal;
  /** Ends a claim that waits for jobs, since the loop cannot go on; `stopping` need not fire. */
  readonly halt: () => void;
  /** Keeps the worker from claiming where no job can be begun. @default a new one */
  readonly starts?: StartBackoff;
}

/** A job that is over. */
interface EndedJob {
  readonly execution: Execution;
  readonly ended: Ended;
}

/** Claims, runs and records jobs until there is a reason to leave. */
export class JobLoop {
  readonly #options: JobLoopOptions;
  readonly #inHand: InHand;
  readonly #pace: Pace;
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
  /** Jobs whose end is to be recorded, with the next claim or soon. */
  #ended: EndedJob[] = [];
  #endedSince = 0;
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
    this.#pace = new Pace(options.claimsAhead ? options.concurrency : 0);
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
    const ahead = Math.max(0, Math.min(this.#roomAhead(), most - wanted));
    if (wanted + ahead === 0) return false;
    this.#recordEnded();
    void this.#claim(wanted, ahead);
    return true;
  }

  /** How many jobs to claim before there is room for them; not before half of the last ones have begun. */
  #roomAhead(): number {
    if (!this.#hasMore) return 0;
    const most = Math.min(this.#pace.ahead, MAX_CLAIM);
    const waiting = Math.max(0, -this.#room);
    return waiting * 2 > most ? 0 : most - waiting;
  }

  async #claim(wanted: number, ahead: number): Promise<void> {
    const { fetcher } = this.#options;
    const recorded = this.#recorded;
    const mode = this.#mode(wanted + ahead);
    this.#claiming = true;
    try {
      const reply = wanted > 0
        ? await fetcher.next(wanted, ahead, mode)
        : await fetcher.ahead(ahead, mode);
      if (typeof reply !== "string") this.#take(reply, wanted + ahead);
      else this.#takeNone(reply, recorded === this.#recorded);
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
    let ended: Ended;
    try {
      ended = await this.#options.executor.run(execution, signal);
    } catch (error) {
      // No fault of the job's: as long as nothing else can be said of it, it goes back.
      ended = { kind: "broken", why: `Cannot run the job: ${error}` };
    }
    this.#inHand.end(execution);
    this.#learn(ended);
    this.#add(execution, ended);
    this.#wake();
  }

  /** What an end says about those to come. */
  #learn(ended: Ended): void {
    if (ended.kind === "unstarted" || ended.kind === "broken") {
      this.#claimed--;
      this.#starts.failed(ended.why);
      const { hopeless } = this.#starts;
      if (hopeless !== undefined && this.#inHand.running === 0) {
        this.#fail(hopeless);
      }
      return;
    }
    if (hasBegun(ended)) this.#starts.succeeded();
    if (ended.kind !== "returned") this.#pace.note(ended.workedMs);
  }

  #add(execution: Execution, ended: Ended): void {
    this.#none = undefined;
    if (this.#ended.length === 0) this.#endedSince = performance.now();
    this.#ended.push({ execution, ended });
  }

  /**
   * Puts what waits back where it came from, for other workers: if it is not to be begun, or nothing before it has ended
   * for so long. What is about to come goes first, being behind it.
   */
  #giveBack(): void {
    const { waiting } = this.#inHand;
    if (waiting === 0 || this.#claiming) return;
    if (!this.#isLeaving && this.#starts.pauseMs() === 0) {
      if (this.#slots > 0) return; // about to begin
      const leftMs = this.#lastBegan + WAIT_MS - performance.now();
      if (leftMs > 0) return this.#wakeIn(leftMs);
      this.#pace.note(WAIT_MS);
    }
    this.#hasMore = false;
    this.#claimed -= waiting;
    for (const execution of this.#inHand.endWaiting()) {
      const kind = this.#inHand.abortedBy(execution);
      const isStopped = kind !== undefined && kind !== "cold";
      const ended: Ended = isStopped
        ? { kind, workedMs: 0 }
        : { kind: "returned" };
      this.#add(execution, ended);
    }
    this.#recordSoon();
  }

  /** Where no claim takes them along: at once, or a little later together with those that are about to follow. */
  #recordSoon(): void {
    if (this.#ended.length === 0) return;
    const gatherMs = this.#inHand.isBusy ? this.#gatherMs() : 0;
    const leftMs = this.#endedSince + gatherMs - performance.now();
    if (leftMs > 0) this.#wakeIn(leftMs);
    else this.#recordEnded();
  }

  #gatherMs(): number {
    const waits = ({ ended }: EndedJob) =>
      isPutBack(ended) && ended.kind !== "returned";
    if (this.#ended.some(waits)) return GATHER_BACK_MS;
    const isFull = this.#ended.length >= MAX_CLAIM;
    return isFull || this.#pace.ahead === 0 ? 0 : GATHER_MS;
  }

  #recordEnded(): void {
    if (this.#ended.length === 0) return;
    const ended = this.#ended;
    this.#ended = [];
    const back = ended.filter((job) => isPutBack(job.ended));
    // The last one first, since each goes to the head of its queue.
    back.sort((a, b) =>
      this.#inHand.orderOf(b.execution) - this.#inHand.orderOf(a.execution)
    );
    for (const job of ended) if (!isPutBack(job.ended)) void this.#record(job);
    for (const job of back) void this.#record(job);
  }

  /** What cannot be recorded is not kept: its lease runs out, and since nobody knows why, the worker ends. */
  async #record({ execution, ended }: EndedJob): Promise<void> {
    try {
      await this.#options.executor.record(execution, ended);
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
