/**
 * The jobs that a worker has in hand.
 *
 * Each goes one way: *waiting* (claimed, not begun) → *running* → *ended* (its end is to be recorded, or being so) →
 * gone. What waits may also end without having run. All of them have a lease to be kept.
 *
 * @module
 */

import { isSuspect } from "../job/record.ts";
import { isAloneId } from "../store/execution_id.ts";
import { type End, type Execution, isPutBack } from "../store/worker_types.ts";
import { type AbortKind, JobAborted } from "./abort.ts";

interface Held {
  readonly execution: Execution;
  /** The place among all that were ever taken in hand. */
  readonly order: number;
  readonly controller: AbortController;
  /** When it was taken in hand, in milliseconds. */
  readonly since: number;
  /** Whether nothing may run beside it. */
  readonly alone: boolean;
  stage: "waiting" | "running" | "ended";
  hasHeartbeat: boolean;
}

/** A job that has just begun; the signal fires when it is to be killed. */
export interface Begun {
  readonly execution: Execution;
  readonly signal: AbortSignal;
}

/** What a worker has in hand: the one account of it, for all who ask. */
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
   * Holds nothing yet.
   *
   * @param now a clock in milliseconds
   */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Takes a job in hand that has been claimed; from now on its lease is kept. */
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

  /** Begins the job that has waited longest, if any waits. */
  begin(): Begun | undefined {
    const held = this.#waiting.shift();
    if (held === undefined) return undefined;
    held.stage = "running";
    this.#running++;
    return { execution: held.execution, signal: held.controller.signal };
  }

  /** Gives all that waits, next first: none of it is to be begun, and each is to be ended or removed at once. */
  takeWaiting(): Execution[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting.map(({ execution }) => execution);
  }

  /** A job is over: it needs its lease until its end, if it has one, is recorded, but keeps nobody busy. */
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
   * Gives the ends that are to be recorded, once, in the order in which that is to be done. What goes back comes
   * last, and of that the job that was claimed last comes first: each goes to the head of its queue.
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

  /** Lets go of an execution whose end is recorded, or never will be. */
  remove({ id }: Execution): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#leave(held);
    this.#held.delete(id);
  }

  /** How many have not begun. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** How many run. */
  get running(): number {
    return this.#running;
  }

  /** How many ends are to be recorded. */
  get ended(): number {
    return this.#ended.length;
  }

  /** For how many milliseconds the first of those has been waiting. */
  get endedForMs(): number {
    return this.#now() - this.#endedSince;
  }

  /** Whether one of those is of a job that ran and goes back, as others that still run may do soon. */
  get hasCutShort(): boolean {
    return this.#hasCutShort;
  }

  /** How many there are of all stages. */
  get size(): number {
    return this.#held.size;
  }

  /** Whether a job runs, or is about to. */
  get isBusy(): boolean {
    return this.#running + this.#waiting.length > 0;
  }

  /** Whether the one that runs, or is about to, must have nothing beside it. */
  get isAlone(): boolean {
    return this.#alone > 0;
  }

  /** What holds a lease now. */
  get executions(): Execution[] {
    return [...this.#held.values()].map(({ execution }) => execution);
  }

  /** The same as {@linkcode InHand.executions}, for a heartbeat that is about to be sent. */
  beat(): Execution[] {
    for (const held of this.#held.values()) held.hasHeartbeat = true;
    return this.executions;
  }

  /** Those in hand for so many milliseconds that have never had a heartbeat, for one that is about to be sent. */
  beatNew(age: number): Execution[] {
    const until = this.#now() - age;
    const unseen = [...this.#held.values()].filter((held) =>
      !held.hasHeartbeat && held.since <= until && held.stage !== "ended"
    );
    for (const held of unseen) held.hasHeartbeat = true;
    return unseen.map(({ execution }) => execution);
  }

  /** Whether a heartbeat has been sent while it was in hand. */
  hasHeartbeat({ id }: Execution): boolean {
    return this.#held.get(id)?.hasHeartbeat ?? true;
  }

  /** Kills those that a condition names; tells how many. A job that has not begun can be stopped, but not killed. */
  abort(kind: AbortKind, which: (execution: Execution) => boolean): number {
    const chosen = [...this.#held.values()].filter(({ execution, stage }) =>
      which(execution) && !(kind === "killed" && stage === "waiting")
    );
    for (const { controller } of chosen) controller.abort(new JobAborted(kind));
    return chosen.length;
  }

  /** Why somebody wants it to end, if anybody does. */
  abortedBy({ id }: Execution): AbortKind | undefined {
    const reason = this.#held.get(id)?.controller.signal.reason;
    return reason instanceof JobAborted ? reason.kind : undefined;
  }

  /** It neither runs nor will. */
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
