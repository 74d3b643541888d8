/**
 * The jobs that a worker has in hand.
 *
 * @module
 */

import type { Execution } from "../store/worker_types.ts";
import { type AbortKind, JobAborted } from "./abort.ts";

/** The jobs that a worker has in hand, each with the means to end it. */
export class RunningJobs {
  readonly #running = new Map<
    string,
    { execution: Execution; controller: AbortController; isOver: boolean }
  >();

  /** Adds an execution; its signal fires when the job is to be killed. */
  add(execution: Execution): AbortSignal {
    const controller = new AbortController();
    this.#running.set(execution.id, { execution, controller, isOver: false });
    return controller.signal;
  }

  /** Marks an execution as over: it needs its lease until its end is recorded, but keeps nobody busy. */
  ending(execution: Execution): void {
    const entry = this.#running.get(execution.id);
    if (entry) entry.isOver = true;
  }

  /** Whether a job is running, and not just being recorded. */
  get isBusy(): boolean {
    return [...this.#running.values()].some(({ isOver }) => !isOver);
  }

  /** Removes an execution whose end is recorded. */
  remove(execution: Execution): void {
    this.#running.delete(execution.id);
  }

  /** What holds a lease now. */
  get executions(): Execution[] {
    return [...this.#running.values()].map(({ execution }) => execution);
  }

  /** Kills those that a condition names; tells how many. */
  abort(kind: AbortKind, which: (execution: Execution) => boolean): number {
    const chosen = [...this.#running.values()].filter(({ execution }) =>
      which(execution)
    );
    for (const { controller } of chosen) controller.abort(new JobAborted(kind));
    return chosen.length;
  }
}
