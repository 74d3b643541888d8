/**
 * The worker's side of a job's steps. Loaded when a job has some.
 *
 * @module
 */

import { MOST_KEPT, stepField, type Wake } from "../job/steps.ts";
import type { StepCall } from "../runner/runner.ts";
import { keepStep, lookAtWait } from "../store/steps.ts";
import type { WorkerStore } from "../store/worker_store.ts";
import type { Execution } from "../store/worker_types.ts";

/** The most waits of one run at once: the job's hash names their signals. */
const MOST_WAITS = 100;

/** Performs what the steps of one execution ask for. */
export class StepHost {
  readonly #store: WorkerStore;
  readonly #execution: Execution;
  #at = Infinity;
  readonly #signals = new Set<string>();
  #waits = 0;

  /** One for each execution that has steps. */
  constructor(store: WorkerStore, execution: Execution) {
    this.#store = store;
    this.#execution = execution;
  }

  /** When the job goes on; `undefined` if it waits for nothing. */
  get wake(): Wake | undefined {
    if (this.#waits === 0) return undefined;
    const at = this.#at === Infinity ? null : this.#at;
    return { at, signals: [...this.#signals] };
  }

  /** Performs a call; see {@linkcode StepCall}. */
  async perform(call: StepCall): Promise<string> {
    switch (call.method) {
      case "step":
        return this.#kept(call.name);
      case "keepStep": {
        const { name, value } = call;
        const kept = await keepStep(this.#store, this.#execution, name, value);
        if (kept !== "kept") this.#refuse(kept, `step "${name}"`);
        return "";
      }
      case "sleep":
      case "waitFor":
        return await this.#wait(call);
    }
  }

  /** What was kept of a step when the job was claimed. A run asks for each step once, before it does it. */
  #kept(name: string): string {
    const text = this.#execution.job.kept(stepField(name));
    return text === undefined ? "" : `=${text}`;
  }

  async #wait(
    call: StepCall & { readonly method: "sleep" | "waitFor" },
  ): Promise<string> {
    const { method, name, seconds } = call;
    const wait = { name, forSignal: method === "waitFor" };
    const state = await lookAtWait(
      this.#store,
      this.#execution,
      seconds === undefined ? wait : { ...wait, seconds },
    );
    switch (state.type) {
      case "over":
        return "over";
      case "signal":
        return `=${state.value}`;
      case "due":
        this.#note(wait, state.at);
        return "";
      default:
        return this.#refuse(state.type, `${method} "${name}"`);
    }
  }

  #note(
    { name, forSignal }: { readonly name: string; readonly forSignal: boolean },
    at: number | null,
  ): void {
    if (this.#waits === MOST_WAITS) {
      throw new RangeError(
        `Cannot wait for more: a job may wait for ${MOST_WAITS} things at once`,
      );
    }
    this.#waits++;
    if (forSignal) this.#signals.add(name);
    this.#at = Math.min(this.#at, at ?? Infinity);
  }

  #refuse(why: "full" | "lost", what: string): never {
    const { id } = this.#execution.job;
    if (why === "full") {
      throw new RangeError(
        `Cannot keep ${what} of job "${id}": its steps and signals together would take more than ${
          MOST_KEPT / 1024
        } KB`,
      );
    }
    throw new Error(
      `Cannot keep ${what} of job "${id}": its worker has lost the lease`,
    );
  }
}
