/**
 * Running only so many jobs at once, however many there are.
 *
 * @module
 */

import type { JobHost, Outcome, Runner, RunRequest } from "./runner.ts";

/** Hands jobs on to another runner, of which it does not own anything. */
export class LimitedRunner implements Runner {
  readonly #runner: Runner;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /**
   * Starts nothing.
   *
   * @param most how many jobs may run at once; the others wait for their turn
   */
  constructor(runner: Runner, most: number) {
    this.#runner = runner;
    this.#free = most;
  }

  /** Nothing: what is rare is not prepared for. */
  prepare(): void {}

  /** Runs a job when it is its turn. Rejects with the signal's reason if that fires before. */
  async run(
    request: RunRequest,
    host: JobHost,
    options: { readonly signal: AbortSignal },
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

  /** Nothing: the other runner is closed by its owner, which ends what runs. */
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
