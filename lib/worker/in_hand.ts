/**
 * The jobs that a worker has in hand.
 *
 * Each goes one way: *waiting* (claimed, not begun) → *running* → *over* (its end is to be recorded) → gone. What
 * waits may also be over at once: it goes back. All of them have a lease to be kept.
 *
 * @module
 */

import { isSuspect } from "../job/record.ts";
import { isAloneId } from "../store/execution_id.ts";
import type { Execution } from "../store/worker_types.ts";
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
  stage: "waiting" | "running" | "over";
  beaten: boolean;
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
      beaten: false,
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

  /** A run is over: it needs its lease until its end is recorded, but keeps nobody busy. */
  end({ id }: Execution): void {
    const held = this.#held.get(id);
    if (held?.stage !== "running") return;
    this.#running--;
    this.#over(held);
  }

  /** What waits is over without having begun; gives all of it, next first. */
  endWaiting(): Execution[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const held of waiting) this.#over(held);
    return waiting.map(({ execution }) => execution);
  }

  /** Lets go of an execution whose end is recorded, or never will be. */
  remove({ id }: Execution): void {
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

  /** How many there are, those included whose end is to be recorded. */
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

  /** The place of an execution among all that were ever taken in hand. */
  orderOf({ id }: Execution): number {
    return this.#held.get(id)?.order ?? -1;
  }

  /** The same as {@linkcode InHand.executions}, for a heartbeat that is about to be sent. */
  beat(): Execution[] {
    for (const held of this.#held.values()) held.beaten = true;
    return this.executions;
  }

  /** Those in hand for so many milliseconds that have never had a heartbeat, for one that is about to be sent. */
  beatNew(age: number): Execution[] {
    const until = this.#now() - age;
    const unseen = [...this.#held.values()].filter(({ beaten, since, stage }) =>
      !beaten && since <= until && stage !== "over"
    );
    for (const held of unseen) held.beaten = true;
    return unseen.map(({ execution }) => execution);
  }

  /** Whether a heartbeat has been sent while it was in hand. */
  isBeaten({ id }: Execution): boolean {
    return this.#held.get(id)?.beaten ?? true;
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

  #over(held: Held): void {
    held.stage = "over";
    if (held.alone) this.#alone--;
  }
}
