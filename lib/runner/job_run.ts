/**
 * One job in one subprocess: the request, the calls, the time limit, the end.
 *
 * @module
 */

import {
  endedOutcome,
  failureOf,
  timeoutMessage,
  timeoutOutcome,
} from "./outcomes.ts";
import type { CallMessage, FailureMessage, RunMessage } from "./protocol.ts";
import type { JobHost, Outcome } from "./runner.ts";
import type { Subprocess } from "./subprocess.ts";
import { TimeLimit } from "./time_limit.ts";

/** What a run needs. */
export interface JobRunOptions {
  /** The subprocess, waiting for its job. */
  readonly child: Subprocess;
  /** What it is told to run. */
  readonly message: RunMessage;
  /** The same, encoded. */
  readonly line: string;
  /** Whom the job can ask. */
  readonly host: JobHost;
  /** Milliseconds from SIGTERM to SIGKILL after the time limit. */
  readonly killGrace: number;
  /** Whether the subprocess may live on after a job that has succeeded. */
  readonly reusable: boolean;
}

/** How long calls of a job that has ended may go on, in milliseconds. */
const CALLS_GRACE = 1_000;

/** Runs one job to its end. */
export class JobRun {
  readonly #options: JobRunOptions;
  readonly #decoder = new TextDecoder();
  readonly #answered = Promise.withResolvers<void>();
  readonly #aborted = Promise.withResolvers<void>();
  #abortReason: { readonly reason: unknown } | undefined;
  #answer: { success: string } | { failure: FailureMessage } | undefined;
  #started = false;
  #exitCalled = false;
  #isReusable = false;
  #calls: Promise<void> = Promise.resolve();

  /** Nothing happens before {@linkcode JobRun.run}. */
  constructor(options: JobRunOptions) {
    this.#options = options;
  }

  /** Whether the subprocess is there for another job. */
  get isReusable(): boolean {
    return this.#isReusable && this.#abortReason === undefined &&
      this.#options.child.status === undefined;
  }

  /** Kills the job at once; `run()` then rejects with the reason. */
  abort(reason: unknown): void {
    this.#abortReason ??= { reason };
    this.#options.child.kill("SIGKILL");
    this.#aborted.resolve();
  }

  /**
   * Sends the job and resolves with how it ended; by then, all that it started is
   * gone, or has been sent SIGKILL. Resolves to undefined if the subprocess died before it had the job.
   */
  async run(): Promise<Outcome | undefined> {
    const { child, message, line, killGrace } = this.#options;
    const seconds = message.request.timeout;
    child.onMessage = (kind, payload) => {
      if (kind === "call") this.#call(payload);
      else if (kind === "started") this.#started = true;
      else if (kind === "exit") this.#exitCalled = true;
      else this.#take(kind === "success", payload);
    };
    using limit = new TimeLimit(seconds, {
      killGrace,
      abort: () =>
        void child.send({ type: "abort", message: timeoutMessage(seconds) }),
      kill: (signal) => child.kill(signal),
    });
    child.begin();
    void child.sendLine(line);
    await Promise.race([
      this.#answered.promise,
      child.exited,
      this.#aborted.promise,
    ]);
    const timedOut = limit.stop();
    await Promise.race([this.#drain(), this.#aborted.promise]);
    const mayGoOn = this.#options.reusable && !timedOut &&
      this.#answer !== undefined && "success" in this.#answer;
    this.#isReusable = mayGoOn;
    const closed = mayGoOn ? undefined : child.close();
    // After an answer its group has been sent SIGKILL, and nobody needs to see it go.
    if (this.#answer === undefined || timedOut) await closed;
    await this.#finishCalls();
    if (this.#answer === undefined && this.#abortReason !== undefined) {
      throw this.#abortReason.reason;
    }
    return this.#started || timedOut ? this.#outcome(timedOut) : undefined;
  }

  async #drain(): Promise<void> {
    const { child } = this.#options;
    if (this.#answer !== undefined) return await child.drainAnswered();
    // Whatever it left running may hold the pipes.
    child.kill("SIGKILL");
    await child.drain();
  }

  #outcome(timedOut: boolean): Outcome {
    const answer = this.#answer;
    if (timedOut) {
      return timeoutOutcome(
        this.#options.message.request.timeout,
        answer !== undefined && "failure" in answer
          ? answer.failure
          : undefined,
      );
    }
    if (answer === undefined) {
      const { child } = this.#options;
      return endedOutcome(child.status!, {
        exitCalled: this.#exitCalled,
        stderrTail: child.stderrTail(),
      });
    }
    if ("failure" in answer) return failureOf(answer.failure);
    return answer.success === ""
      ? { type: "success" }
      : { type: "success", result: answer.success };
  }

  #take(isSuccess: boolean, payload: Uint8Array): void {
    const text = this.#decoder.decode(payload);
    this.#answer ??= isSuccess
      ? { success: text }
      : { failure: JSON.parse(text) };
    this.#answered.resolve();
  }

  /** One after the other, in the order of the calls: the last `meta` is the one that stays. */
  #call(payload: Uint8Array): void {
    const call: CallMessage = JSON.parse(this.#decoder.decode(payload));
    this.#calls = this.#calls.then(async () => {
      const reply = await this.#perform(call);
      await this.#options.child.send({ type: "reply", id: call.id, ...reply });
    });
  }

  async #perform(
    call: CallMessage,
  ): Promise<{ value?: string } | { error: string }> {
    const { host } = this.#options;
    try {
      switch (call.method) {
        case "enqueue":
          return { value: await host.enqueue(call.request) };
        case "saveMeta":
          await host.saveMeta(call.meta);
          return {};
        case "saveProgress":
          await host.saveProgress(call.value, call.note);
          return {};
      }
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Of a job that answered none is left; one that was killed may have been in the middle of one. */
  async #finishCalls(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CALLS_GRACE);
    await Promise.race([this.#calls, promise]);
    clearTimeout(timer);
  }
}
