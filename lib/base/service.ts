/**
 * The one shape of everything that goes on in the background: `runOnce()` does
 * one pass, the loop around it, its jitter and what happens on an error are shared.
 *
 * @module
 */

import { pause } from "./backoff.ts";
import { type Clock, SYSTEM_CLOCK } from "./clock.ts";

/** How a {@linkcode Service} is run. */
export interface ServiceOptions {
  /** Named in what is told of its errors. */
  readonly name: string;
  /** Milliseconds between the end of one pass and the beginning of the next. */
  readonly interval: number;
  /**
   * The share of the interval by which each pause is made longer or shorter at
   * random, so that many workers do not act in step.
   *
   * @default 0.1
   */
  readonly jitter?: number;
  /** Told of what a pass threw; the next pass comes all the same. */
  readonly onError: (error: unknown) => void;
}

/** Something done again and again until it is stopped. */
export abstract class Service implements AsyncDisposable {
  /** Its name. */
  readonly name: string;
  readonly #options: ServiceOptions;
  #stopping = new AbortController();
  #loop: Promise<void> | undefined;

  /** Nothing runs before {@linkcode Service.start}. */
  constructor(options: ServiceOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Measures the pauses; tests have another one than the system's. */
  protected get clock(): Clock {
    return SYSTEM_CLOCK;
  }

  /** Fires when it is to stop: a long pass then ends as soon as it can. */
  protected get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** One pass. Also called by tests, and where something should happen at once. */
  abstract runOnce(): Promise<unknown>;

  /** Begins with a pause, then a pass. Does nothing if it runs already. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /** Lets the current pass end, and no other begin. Can be started again. */
  async stop(): Promise<void> {
    const loop = this.#loop;
    if (loop === undefined) return;
    this.#stopping.abort();
    await loop;
    if (this.#loop !== loop) return; // another call was first
    this.#loop = undefined;
    this.#stopping = new AbortController();
  }

  /** The same as {@linkcode Service.stop}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      await pause(this.#interval(), signal, this.clock);
      if (signal.aborted) return;
      try {
        await this.runOnce();
      } catch (error) {
        this.#options.onError(error);
      }
    }
  }

  #interval(): number {
    const { interval, jitter = 0.1 } = this.#options;
    return interval * (1 + jitter * (2 * Math.random() - 1));
  }
}
