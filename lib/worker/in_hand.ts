/**
 * The jobs that a worker has in hand.
 *
 * The stages of a job: *waiting* (claimed, not begun) → *running* → *ended* (its end is not recorded yet) → removed. A
 * waiting job may also end without having run. In all stages its lease is extended.
 *
 * @module
 */

import { isSuspect } from "../job/record.ts";
import { isAloneId } from "../store/execution_id.ts";
import { type End, type Execution, isPutBack } from "../store/worker_types.ts";
import { type AbortKind, JobAborted } from "./abort.ts";

interface Held {
  readonly execution: Execution;
  /** Its number among all jobs that were ever added. */
  readonly order: number;
  readonly controller: AbortController;
  /** When it was added, in milliseconds. */
  readonly since: number;
  /** Whether no other job may run beside it. */
  readonly alone: boolean;
  stage: "waiting" | "running" | "ended";
  hasHeartbeat: boolean;
}

/** A job that has just begun; the signal is aborted to kill it. */
export interface Begun {
  readonly execution: Execution;
  readonly signal: AbortSignal;
}

/** The jobs in hand: the single place that keeps track of them. */
export class InHand {
  readonly #held = new Map<string, Held>();
  readonly #now: () => number;
  #waiting: Held[] = [];
  #running = 0;
  #ended: End[] = [];
  #endedSince = 0;
  #hasCutShort = false;
  #alone = 0;
  #taken = 0;

  /**
   * Starts empty.
   *
   * @param now A clock in milliseconds.
   */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Adds a claimed job; from now on its lease is extended. */
  add(execution: Execution): void {
    const held: Held = {
      execution,
      order: this.#taken++,
      controller: new AbortController(),
      since: this.#now(),
      alone: isAloneId(execution.id) || isSuspect(execution.job),
      stage: "waiting",
      hasHeartbeat: false,
    };
    this.#held.set(execution.id, held);
    this.#waiting.push(held);
    if (held.alone) this.#alone++;
  }

  /** Begins the longest-waiting job, if there is one. */
  begin(): Begun | undefined {
    const held = this.#waiting.shift();
    if (held === undefined) return undefined;
    held.stage = "running";
    this.#running++;
    return { execution: held.execution, signal: held.controller.signal };
  }

  /** Takes all waiting jobs, the next one first. They must not be begun; the caller ends or removes each at once. */
  takeWaiting(): Execution[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting.map(({ execution }) => execution);
  }

  /** Ends a job. Until its end is recorded, if it has one, it keeps its lease, but does not count as busy. */
  end({ id }: Execution, end: End | undefined): void {
    const held = this.#held.get(id);
    if (held === undefined || held.stage === "ended") return;
    const hasRun = held.stage === "running";
    this.#leave(held);
    if (end === undefined) return;
    if (hasRun && isPutBack(end)) this.#hasCutShort = true;
    if (this.#ended.length === 0) this.#endedSince = this.#now();
    this.#ended.push(end);
  }

  /**
   * Takes the ends that are to be recorded, in this order: jobs that go back to their queue come last, and among these
   * the one that was claimed last comes first, since each goes to the head of its queue.
   */
  takeEnds(): readonly End[] {
    const ends = this.#ended;
    this.#ended = [];
    this.#hasCutShort = false;
    if (!ends.some(isPutBack)) return ends;
    const back = ends.filter(isPutBack);
    back.sort((a, b) => this.#orderOf(b) - this.#orderOf(a));
    return [...ends.filter((end) => !isPutBack(end)), ...back];
  }

  /** Removes an execution whose end is recorded, or never will be. */
  remove({ id }: Execution): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#leave(held);
    this.#held.delete(id);
  }

  /** How many jobs have not begun. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** How many jobs are running. */
  get running(): number {
    return this.#running;
  }

  /** How many ends are waiting to be recorded. */
  get ended(): number {
    return this.#ended.length;
  }

  /** For how many milliseconds the first of these has been waiting. */
  get endedForMs(): number {
    return this.#now() - this.#endedSince;
  }

  /** Whether one of these is of a job that ran and goes back, as other running jobs may do soon. */
  get hasCutShort(): boolean {
    return this.#hasCutShort;
  }

  /** How many jobs there are in all stages. */
  get size(): number {
    return this.#held.size;
  }

  /** Whether a job is running or waiting. */
  get isBusy(): boolean {
    return this.#running + this.#waiting.length > 0;
  }

  /** Whether a running or waiting job must have no other beside it. */
  get isAlone(): boolean {
    return this.#alone > 0;
  }

  /** All executions, which hold leases. */
  get executions(): Execution[] {
    return [...this.#held.values()].map(({ execution }) => execution);
  }

  /** The same as {@linkcode InHand.executions}, marked as having a heartbeat, which the caller sends. */
  beat(): Execution[] {
    for (const held of this.#held.values()) held.hasHeartbeat = true;
    return this.executions;
  }

  /** The same for those that have been in hand for `age` milliseconds and have had no heartbeat yet. */
  beatNew(age: number): Execution[] {
    const until = this.#now() - age;
    const unseen = [...this.#held.values()].filter((held) =>
      !held.hasHeartbeat && held.since <= until && held.stage !== "ended"
    );
    for (const held of unseen) held.hasHeartbeat = true;
    return unseen.map(({ execution }) => execution);
  }

  /** Whether a heartbeat has been sent for an execution. */
  hasHeartbeat({ id }: Execution): boolean {
    return this.#held.get(id)?.hasHeartbeat ?? true;
  }

  /** Aborts the executions that meet a condition; returns how many. A job that has not begun can be stopped, not killed. */
  abort(kind: AbortKind, which: (execution: Execution) => boolean): number {
    const chosen = [...this.#held.values()].filter(({ execution, stage }) =>
      which(execution) && !(kind === "killed" && stage === "waiting")
    );
    for (const { controller } of chosen) controller.abort(new JobAborted(kind));
    return chosen.length;
  }

  /** Why an execution is aborted, if it is. */
  abortedBy({ id }: Execution): AbortKind | undefined {
    const reason = this.#held.get(id)?.controller.signal.reason;
    return reason instanceof JobAborted ? reason.kind : undefined;
  }

  /** Marks a job as neither running nor waiting. */
  #leave(held: Held): void {
    if (held.stage === "ended") return;
    if (held.stage === "running") this.#running--;
    if (held.alone) this.#alone--;
    held.stage = "ended";
  }

  #orderOf({ execution: { id } }: End): number {
    return this.#held.get(id)?.order ?? -1;
  }
}
