/**
 * Runs a job's function in this process.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { MAX_DELAY } from "../base/timers.ts";
import {
  callJob,
  type JobModule,
  type LoadedFunction,
} from "../runner/child_job.ts";
import {
  CURRENT,
  type RunningJob,
  type WorkerCalls,
} from "../runner/current_job.ts";
import { timeoutMessage } from "../runner/outcomes.ts";
import type { RunRequest } from "../runner/runner.ts";

/** A function that has been found. */
export interface Target {
  readonly func: LoadedFunction;
  /** Its `this`. */
  readonly owner: object | undefined;
  /** The exports of its module; empty if that is not known. */
  readonly module: JobModule;
  /** The export that it is. */
  readonly exportName: string;
}

/** How a run ended. */
export type HereOutcome =
  | {
    readonly type: "success";
    /** JSON; empty for `undefined`. */
    readonly result: string;
  }
  | {
    readonly type: "failure";
    /** What would be stored. */
    readonly excInfo: string;
    /** What the function threw. */
    readonly thrown: unknown;
  };

const running = new AsyncLocalStorage<RunningJob>();

/**
 * Calls a function as a worker's subprocess does: with arguments that have been JSON, with `currentJob` and a time limit.
 * There is no process to kill, so what does not heed its signal goes on after the end.
 */
export async function runHere(
  request: RunRequest,
  { func, owner, module, exportName }: Target,
  calls: WorkerCalls,
): Promise<HereOutcome> {
  publish();
  using limit = new Limit(request.timeout);
  const job: RunningJob = {
    request,
    calls,
    signal: () => limit.signal,
    exports: () => module,
    exportName,
    sleep: () => undefined, // no wait lasts longer than a call
  };
  const called = await running.run(
    job,
    () =>
      Promise.race([
        callJob(func, owner, request, (parts) => calls.emit(parts)),
        limit.reached,
      ]),
  );
  if (called === undefined) {
    const text = timeoutMessage(request.timeout);
    const excInfo = `JobTimeoutException: ${text}`;
    return { type: "failure", excInfo, thrown: limit.signal.reason };
  }
  if (called.type === "success") return called;
  const { failure, thrown } = called;
  return { type: "failure", excInfo: failure.excInfo, thrown };
}

/** The time limit of a run. */
class Limit implements Disposable {
  readonly #controller = new AbortController();
  readonly #reached = Promise.withResolvers<undefined>();
  readonly #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(seconds: number) {
    const ms = seconds * 1_000;
    if (ms < 0 || ms > MAX_DELAY) return;
    this.#timer = setTimeout(() => {
      const text = timeoutMessage(seconds);
      this.#controller.abort(new DOMException(text, "TimeoutError"));
      this.#reached.resolve(undefined);
    }, ms);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get reached(): Promise<undefined> {
    return this.#reached.promise;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

let isPublished = false;

/** Tells `currentJob`, of whichever instance of its module, which job the code that asks belongs to. */
function publish(): void {
  if (isPublished) return;
  const before = Object.getOwnPropertyDescriptor(globalThis, CURRENT);
  if (before !== undefined && !before.configurable) {
    throw new Error(
      "Cannot run a job in this process: it is a process in which a worker runs jobs",
    );
  }
  const others = before?.value as (() => RunningJob | undefined) | undefined;
  const value = () => running.getStore() ?? others?.();
  Object.defineProperty(globalThis, CURRENT, { value, configurable: true });
  isPublished = true;
}
