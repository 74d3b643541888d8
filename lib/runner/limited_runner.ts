/**
 * Limits how many jobs run at once.
 *
 * @module
 */

import type {
  JobHost,
  Outcome,
  Runner,
  RunOptions,
  RunRequest,
} from "./runner.ts";

/** Passes jobs on to another runner, which it does not own. */
export class LimitedRunner implements Runner {
  readonly #runner: Runner;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /**
   * Starts nothing.
   *
   * @param most How many jobs may run at once; the others wait for their turn.
   */
  constructor(runner: Runner, most: number) {
    this.#runner = runner;
    this.#free = most;
  }

  /** Does nothing: this runner is used too rarely to prepare for its jobs. */
  prepare(): void {}

  /** Runs a job when it is its turn. Rejects with the signal's reason if that is aborted first. */
  async run(
    request: RunRequest,
    host: JobHost,
    options: RunOptions,
  ): Promise<Outcome> {
    if (this.#free > 0) this.#free--;
    else await this.#turn(options.signal);
    try {
      return await this.#runner.run(request, host, options);
    } finally {
      const next = this.#waiting.shift();
      if (next !== undefined) next();
      else this.#free++;
    }
  }

  /** Does nothing: the owner of the other runner closes it, which ends the jobs. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The same as {@linkcode LimitedRunner.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      this.#waiting.splice(this.#waiting.indexOf(take), 1);
      reject(signal.reason);
    };
    const take = () => {
      signal.removeEventListener("abort", leave);
      resolve();
    };
    this.#waiting.push(take);
    signal.addEventListener("abort", leave, { once: true });
    await promise;
  }
}
