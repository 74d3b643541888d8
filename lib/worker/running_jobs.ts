/**
 * The jobs that a worker has in hand.
 *
 * @module
 */

import type { Execution } from "../store/worker_types.ts";
import { type AbortKind, JobAborted } from "./abort.ts";

/** How far a job is that a worker has in hand: claimed ahead of time, running, or only to be recorded. */
type Stage = "waiting" | "running" | "over";

interface InHand {
  readonly execution: Execution;
  readonly controller: AbortController;
  /** When it was taken in hand, in milliseconds. */
  readonly since: number;
  stage: Stage;
  beaten: boolean;
}

/** The jobs that a worker has in hand, each with the means to end it. All of them have a lease to be kept. */
export class RunningJobs {
  readonly #inHand = new Map<string, InHand>();
  #over = 0;

  /** Takes a job in hand that is not running yet. */
  add(execution: Execution): void {
    const controller = new AbortController();
    this.#inHand.set(execution.id, {
      execution,
      controller,
      since: performance.now(),
      stage: "waiting",
      beaten: false,
    });
  }

  /** Marks an execution as running; its signal fires when the job is to be killed. */
  begin(execution: Execution): AbortSignal {
    const job = this.#inHand.get(execution.id);
    if (job === undefined) {
      throw new Error(
        `Cannot run job "${execution.job.id}": it is not in hand`,
      );
    }
    job.stage = "running";
    return job.controller.signal;
  }

  /** Whether somebody wants it to end. */
  isAborted(execution: Execution): boolean {
    return this.#inHand.get(execution.id)?.controller.signal.aborted ?? false;
  }

  /** Marks an execution as over: it needs its lease until its end is recorded, but keeps nobody busy. */
  ending(execution: Execution): void {
    const job = this.#inHand.get(execution.id);
    if (job === undefined || job.stage === "over") return;
    job.stage = "over";
    this.#over++;
  }

  /** Whether a job is running, or about to, and not just being recorded. */
  get isBusy(): boolean {
    return this.#inHand.size > this.#over;
  }

  /** Removes an execution whose end is recorded. */
  remove(execution: Execution): void {
    if (this.#inHand.get(execution.id)?.stage === "over") this.#over--;
    this.#inHand.delete(execution.id);
  }

  /** What holds a lease now. */
  get executions(): Execution[] {
    return [...this.#inHand.values()].map(({ execution }) => execution);
  }

  /** The same, for a heartbeat that is about to be sent. */
  beat(): Execution[] {
    for (const job of this.#inHand.values()) job.beaten = true;
    return this.executions;
  }

  /** Those in hand for so many milliseconds that have never had a heartbeat, for one that is about to be sent. */
  beatNew(age: number): Execution[] {
    const until = performance.now() - age;
    const unseen = [...this.#inHand.values()].filter(({ beaten, since }) =>
      !beaten && since <= until
    );
    for (const job of unseen) job.beaten = true;
    return unseen.map(({ execution }) => execution);
  }

  /** Whether a heartbeat has been sent while it was in hand. */
  isBeaten(execution: Execution): boolean {
    return this.#inHand.get(execution.id)?.beaten ?? true;
  }

  /** Kills those that a condition names; tells how many. A job that has not begun can be stopped, but not killed. */
  abort(kind: AbortKind, which: (execution: Execution) => boolean): number {
    const chosen = [...this.#inHand.values()].filter(({ execution, stage }) =>
      which(execution) && !(kind === "killed" && stage === "waiting")
    );
    for (const { controller } of chosen) controller.abort(new JobAborted(kind));
    return chosen.length;
  }
}
