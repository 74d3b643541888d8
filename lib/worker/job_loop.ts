/**
 * Keeps a worker's hands full: as many jobs as it may run at once, and while jobs
 * are short a few more, so that nobody waits for Redis between two of them.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { pause } from "../base/backoff.ts";
import { isSuspect } from "../job/record.ts";
import type { Execution } from "../store/worker_types.ts";
import type { Executor, Recorder } from "./execution.ts";
import type { Fetcher, NoJob, NoneNow } from "./fetcher.ts";
import { Pace } from "./pace.ts";
import { StartBackoff } from "./start_backoff.ts";
import { SuspectRule } from "./suspect_rule.ts";

/** Most jobs of one claim, so that no script holds Redis for more than 2 ms; 80 were no faster. */
const MAX_CLAIM = 50;
/** Milliseconds that a job waits here at most; then those before it are not as short as was to be expected. */
const WAIT_MS = 50;
/** Milliseconds that the end of a short job waits for others, to be recorded together with them. */
const GATHER_MS = 4;
/** Milliseconds until the jobs behind one that must not be begun yet are looked at again. */
const LOOK_AGAIN_MS = 1_000;

/** What a {@linkcode JobLoop} works with. */
export interface JobLoopOptions {
  readonly fetcher: Pick<Fetcher, "next" | "ahead" | "hasWaited">;
  readonly executor: Pick<Executor, "accept" | "run" | "giveBack">;
  /** How many jobs may run at once. */
  readonly concurrency: number;
  /** How many jobs to run altogether. */
  readonly maxJobs: number;
  /** Whether jobs may be claimed before there is room for them. */
  readonly claimsAhead: boolean;
  /** Fires when no more work is to be begun. */
  readonly stopping: AbortSignal;
  /** Told of what went wrong outside of a job. Must not throw. */
  readonly onError: (execution: Execution, error: unknown) => void;
  /** Keeps the worker from claiming where no process can be started. @default a new one */
  readonly starts?: StartBackoff;
}

/** A job whose run is over. */
interface Ended {
  readonly execution: Execution;
  readonly record: Recorder;
}

/** Claims, runs and records jobs until there is a reason to leave. */
export class JobLoop {
  readonly #options: JobLoopOptions;
  #unrecorded = 0;
  #allRecorded: PromiseWithResolvers<void> | undefined;
  readonly #pace: Pace;
  /** Claimed ahead of time, next first. */
  #waiting: Execution[] = [];
  #waitTimer: ReturnType<typeof setTimeout> | undefined;
  #lastBegan = 0;
  /** Jobs whose run is over and whose end is to be recorded, with the next claim or soon. */
  #ended: Ended[] = [];
  #gatherTimer: ReturnType<typeof setTimeout> | undefined;
  #running = 0;
  #claimed = 0;
  /** Whether a claim is under way, which may take until there is a job. */
  #claiming = false;
  /** Whether the last claim got all that it asked for at once: there may be more. */
  #hasMore = false;
  /** Whether what waits is to begin in the next turn of the event loop. */
  #filling = false;
  /** A job that may have killed its last worker: nothing runs beside it. */
  #suspect: Execution | undefined;
  readonly #rule = new SuspectRule();
  readonly #starts: StartBackoff;
  #changed = Promise.withResolvers<void>();

  /** One for each worker. */
  constructor(options: JobLoopOptions) {
    this.#options = options;
    this.#pace = new Pace(options.claimsAhead ? options.concurrency : 0);
    this.#starts = options.starts ?? new StartBackoff();
  }

  /** How many jobs it has claimed and not given back. */
  get claimed(): number {
    return this.#claimed;
  }

  /** Runs jobs; tells why it has stopped. Everything that it claimed has been recorded then. */
  async run(): Promise<NoJob | "max"> {
    const { stopping } = this.#options;
    const onStop = () => {
      this.#giveBack();
      this.#changed.resolve();
    };
    stopping.addEventListener("abort", onStop);
    try {
      return await this.#claimAndRun();
    } finally {
      stopping.removeEventListener("abort", onStop);
      // Also where claiming has failed for good: what runs is seen to its recorded end.
      this.#claiming = false;
      this.#giveBack();
      while (this.#inHand > 0) {
        this.#recordEnded();
        await this.#change();
      }
      this.#recordEnded();
      await this.#untilRecorded();
    }
  }

  async #claimAndRun(): Promise<NoJob | "max"> {
    const { maxJobs, stopping } = this.#options;
    for (;;) {
      // Where no process can be started, it is the machine that needs a break.
      const rest = this.#starts.pauseMs();
      if (rest > 0) await pause(rest, stopping);
      this.#starts.throwIfHopeless();
      const left = Math.min(maxJobs - this.#claimed, MAX_CLAIM);
      const wanted = Math.max(0, Math.min(this.#room, left));
      const ahead = Math.min(this.#roomAhead(), left - wanted);
      if (wanted + ahead === 0) {
        if (left === 0 && this.#waiting.length === 0) return "max";
        await this.#change(this.#rule.holdMs());
        continue;
      }
      this.#recordEnded();
      const next = await this.#claim(wanted, ahead);
      if (typeof next !== "string") {
        this.#take(next);
        continue;
      }
      if (next === "stopped") return next;
      if (next === "suspect") {
        this.#recordEnded();
        this.#rule.met();
        // Behind it there may be others soon: those are looked for once it is passed over.
        if (this.#inHand > 0) await this.#change(LOOK_AGAIN_MS);
        continue;
      }
      // What runs may add jobs, and so does an end that is not recorded yet.
      this.#recordEnded();
      if (this.#unrecorded > 0) await this.#untilRecorded();
      else if (this.#inHand === 0) return next;
      else if (next !== "idle") await this.#change();
    }
  }

  /** How many jobs to claim before there is room for them; not before half of the last ones have begun. */
  #roomAhead(): number {
    if (!this.#hasMore || this.#options.stopping.aborted) return 0;
    const most = Math.min(this.#pace.ahead, MAX_CLAIM);
    const waiting = Math.max(0, -this.#room);
    return waiting * 2 > most ? 0 : most - waiting;
  }

  /** How many jobs are in hand that are not over. */
  get #inHand(): number {
    return this.#running + this.#waiting.length;
  }

  /** For how many more jobs there is room; below 0, so many will have to wait. */
  get #room(): number {
    if (this.#suspect !== undefined) return 0;
    if (this.#inHand > 0 && this.#rule.holdMs() > 0) return 0;
    return this.#options.concurrency - this.#inHand;
  }

  /** With room for a job, waits until there is one. */
  async #claim(
    wanted: number,
    ahead: number,
  ): Promise<readonly Execution[] | NoneNow> {
    const { fetcher } = this.#options;
    this.#claiming = true;
    const mode = this.#inHand === 0 ? "alone" : this.#rule.mode();
    const next = wanted > 0
      ? await fetcher.next(wanted, ahead, mode)
      : await fetcher.ahead(ahead, mode);
    this.#claiming = false;
    this.#hasMore = next.length === wanted + ahead && !fetcher.hasWaited &&
      typeof next !== "string";
    return next;
  }

  #take(executions: readonly Execution[]): void {
    this.#claimed += executions.length;
    for (const execution of executions) {
      this.#options.executor.accept(execution);
    }
    this.#waiting.push(...executions);
    this.#suspect = executions.find(({ job }) => isSuspect(job));
    if (this.#suspect !== undefined) this.#rule.reset();
    if (this.#options.stopping.aborted) return this.#giveBack();
    // To begin many takes as long as to claim many: Redis is asked for the next ones first.
    if (executions.length > 1) this.#fillSoon();
    else this.#fill();
    if (this.#waiting.length > 0) this.#watchWaiting(WAIT_MS);
  }

  #fillSoon(): void {
    if (this.#filling) return;
    this.#filling = true;
    setImmediate(() => {
      this.#filling = false;
      this.#fill();
    });
  }

  /** What waits goes back if nothing before it has ended for so long; not if it is about to begin. */
  #watchWaiting(ms: number): void {
    this.#waitTimer ??= setTimeout(() => {
      this.#waitTimer = undefined;
      const left = this.#lastBegan + WAIT_MS - performance.now();
      if (left <= 0 && !this.#filling) this.#giveBack();
      if (this.#waiting.length > 0) this.#watchWaiting(Math.max(left, 1));
    }, ms);
  }

  /** Begins what waits, as far as there is room. */
  #fill(): void {
    if (this.#options.stopping.aborted) return;
    const room = this.#options.concurrency - this.#running;
    if (room <= 0 || this.#waiting.length === 0) return;
    const next = this.#waiting.splice(0, room);
    this.#running += next.length;
    this.#lastBegan = performance.now();
    for (const execution of next) void this.#start(execution);
  }

  /** Puts what waits back where it came from, for other workers; what is about to come goes first, being behind it. */
  #giveBack(): void {
    if (this.#claiming) return;
    clearTimeout(this.#waitTimer);
    this.#waitTimer = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length === 0) return;
    if (waiting.includes(this.#suspect!)) this.#suspect = undefined;
    this.#hasMore = false;
    this.#pace.note(WAIT_MS);
    this.#claimed -= waiting.length;
    // The last one first, since each goes to the head of its queue.
    for (const execution of waiting.toReversed()) {
      void this.#record(
        execution,
        () => this.#options.executor.giveBack(execution),
      );
    }
    this.#changed.resolve(); // there is room again
  }

  async #start(execution: Execution): Promise<void> {
    const began = performance.now();
    const { record, unstarted } = await this.#options.executor.run(execution);
    this.#ended.push({ execution, record });
    if (unstarted === undefined) this.#starts.succeeded();
    else this.#starts.failed(unstarted);
    this.#pace.note(performance.now() - began);
    this.#running--;
    if (this.#suspect === execution) this.#suspect = undefined;
    this.#fill();
    this.#recordSoon();
    this.#changed.resolve();
  }

  /** At once where nothing else is in hand; a short job's end is recorded together with those right after it. */
  #recordSoon(): void {
    const isFull = this.#ended.length >= MAX_CLAIM;
    if (!isFull && this.#running > 0 && this.#pace.ahead > 0) {
      const record = () => this.#recordEnded();
      this.#gatherTimer ??= setTimeout(record, GATHER_MS);
    } else if (isFull || this.#claiming) this.#recordEnded();
  }

  #recordEnded(): void {
    clearTimeout(this.#gatherTimer);
    this.#gatherTimer = undefined;
    const ended = this.#ended;
    this.#ended = [];
    for (const { execution, record } of ended) {
      void this.#record(execution, record);
    }
  }

  async #record(execution: Execution, record: Recorder): Promise<void> {
    this.#unrecorded++;
    try {
      await record();
    } catch (error) {
      this.#options.onError(execution, error);
    }
    if (--this.#unrecorded === 0) this.#allRecorded?.resolve();
  }

  async #untilRecorded(): Promise<void> {
    if (this.#unrecorded === 0) return;
    this.#allRecorded = Promise.withResolvers();
    await this.#allRecorded.promise;
  }

  /**
   * Waits until a job has ended or has gone back, and those that do so in the same turn; at most so many
   * milliseconds, if they are any. Only to be called with a job in hand: whatever becomes of that resolves it.
   */
  async #change(most = 0): Promise<void> {
    const timer = most > 0
      ? setTimeout(() => this.#changed.resolve(), most)
      : undefined;
    await this.#changed.promise;
    clearTimeout(timer);
    if (this.#options.concurrency > 1) {
      await new Promise((go) => setImmediate(go));
    }
    this.#changed = Promise.withResolvers();
  }
}
