/**
 * The base class of all background tasks: a subclass implements one pass (`runOnce()`);
 * the loop, its jitter and its error handling are here.
 *
 * @module
 */

import { pause } from "./timers.ts";
import { type Clock, SYSTEM_CLOCK } from "./clock.ts";

/** How a {@linkcode Service} is run. */
export interface ServiceOptions {
  /** Used in error messages. */
  readonly name: string;
  /** Milliseconds between the end of one pass and the beginning of the next. */
  readonly interval: number;
  /**
   * By what share of the interval each pause is lengthened or shortened at
   * random, so that many workers do not run in step.
   *
   * @default 0.1
   */
  readonly jitter?: number;
  /** Called with what a pass threw; the loop continues. */
  readonly onError: (error: unknown) => void;
}

/** A pass that is repeated until the service is stopped. */
export abstract class Service implements AsyncDisposable {
  /** See {@linkcode ServiceOptions.name}. */
  readonly name: string;
  readonly #options: ServiceOptions;
  #stopping = new AbortController();
  #pausing = new AbortController();
  #loop: Promise<void> | undefined;

  /** Runs nothing before {@linkcode Service.start}. */
  constructor(options: ServiceOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** The clock of the pauses; tests override it. */
  protected get clock(): Clock {
    return SYSTEM_CLOCK;
  }

  /** Aborted by {@linkcode Service.stop}, so that a long pass can end early. */
  protected get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** One pass. Also called directly: by tests, and where a pass must not wait for its turn. */
  abstract runOnce(): Promise<unknown>;

  /** Starts the loop: a pause, a pass, and so on. Does nothing if it is running. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /** Waits for the current pass, and starts no other. The service can be started again. */
  async stop(): Promise<void> {
    const loop = this.#loop;
    if (loop === undefined) return;
    this.#stopping.abort();
    this.#pausing.abort();
    await loop;
    if (this.#loop !== loop) return; // another call was first
    this.#loop = undefined;
    this.#stopping = new AbortController();
  }

  /** The same as {@linkcode Service.stop}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Milliseconds until the next pass: the interval with its jitter, unless a subclass knows better. */
  protected pauseMs(): number {
    const { interval, jitter = 0.1 } = this.#options;
    return interval * (1 + jitter * (2 * Math.random() - 1));
  }

  /** Ends the current pause: {@linkcode Service.pauseMs} has become another one. */
  protected reconsider(): void {
    this.#pausing.abort();
  }

  async #pause(): Promise<void> {
    let ms = this.pauseMs();
    while (ms > 0 && !this.stopping.aborted) {
      this.#pausing = new AbortController();
      await pause(ms, this.#pausing.signal, this.clock);
      ms = this.#pausing.signal.aborted ? this.pauseMs() : 0;
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      await this.#pause();
      if (signal.aborted) return;
      try {
        await this.runOnce();
      } catch (error) {
        this.#options.onError(error);
      }
    }
  }
}
