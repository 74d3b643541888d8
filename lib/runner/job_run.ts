/**
 * One job in one subprocess: the request, the calls, the time limit, the end.
 *
 * @module
 */

import { decodeJson } from "../job/json.ts";
import { HostCalls } from "./host_calls.ts";
import {
  answerOutcome,
  endedOutcome,
  timeoutMessage,
  timeoutOutcome,
} from "./outcomes.ts";
import { type CallMessage, encodeRun } from "./protocol.ts";
import type { JobHost, Outcome } from "./runner.ts";
import type { Subprocess } from "./subprocess.ts";
import { TimeLimit } from "./time_limit.ts";

/** What a run needs. */
export interface JobRunOptions {
  /** The subprocess, waiting for its job. */
  readonly child: Subprocess;
  /** A `RunnableJob` as JSON. */
  readonly job: string;
  /** Seconds that the job may run; below 0 there is no limit. */
  readonly timeout: number;
  /** Whom the job can ask. */
  readonly host: JobHost;
  /** Milliseconds from SIGTERM to SIGKILL after the time limit. */
  readonly killGrace: number;
  /** Whether the subprocess may live on after a job that has succeeded. */
  readonly reusable: boolean;
}

/** Runs one job to its end. */
export class JobRun {
  readonly #options: JobRunOptions;
  /** Resolves with the answer, with the end of the subprocess or with the abort, whatever is first. */
  readonly #over = Promise.withResolvers<void>();
  readonly #aborted = Promise.withResolvers<void>();
  /** The mark up to which stderr is to be read, once the job has answered. */
  #mark: number | undefined;
  #abortReason: { readonly reason: unknown } | undefined;
  #answer: Outcome | undefined;
  #started = false;
  #exitCalled = false;
  #isReusable = false;

  /** Nothing happens before {@linkcode JobRun.run}. */
  constructor(options: JobRunOptions) {
    this.#options = options;
  }

  /** Whether the subprocess is there for another job. */
  get isReusable(): boolean {
    const { child } = this.#options;
    return this.#isReusable && this.#abortReason === undefined &&
      !child.isFull && child.status === undefined;
  }

  /** Kills the job at once; `run()` then rejects with the reason. */
  abort(reason: unknown): void {
    this.#abortReason ??= { reason };
    this.#options.child.kill("SIGKILL");
    this.#aborted.resolve();
    this.#over.resolve();
  }

  /**
   * Sends the job and resolves with how it ended. If it has not answered in time, all that it started is
   * gone by then, or has been sent SIGKILL; else that is left to the owner of the subprocess, who has
   * the answer to pass on first. Resolves to undefined if the subprocess died before it began the job.
   */
  async run(): Promise<Outcome | undefined> {
    const { child, job, host, timeout, killGrace } = this.#options;
    const run = child.begin(false);
    const calls = new HostCalls(run, host, (reply) => child.send(reply));
    this.#listen(calls);
    using limit = new TimeLimit(timeout, {
      killGrace,
      abort: () => {
        const message = timeoutMessage(timeout);
        void child.send({ type: "abort", run, name: "TimeoutError", message });
      },
      kill: (signal) => child.kill(signal),
      alarms: child.alarms,
    });
    void child.sendLine(encodeRun(run, job, child.isQuiet));
    await this.#over.promise;
    const timedOut = limit.stop();
    const drained = this.#drain();
    if (drained !== undefined) {
      await Promise.race([drained, this.#aborted.promise]);
    }
    this.#isReusable = this.#options.reusable && !timedOut &&
      this.#answer?.type === "success";
    if (this.#answer === undefined || timedOut) await child.close();
    await calls.finish();
    if (this.#answer === undefined && this.#abortReason !== undefined) {
      throw this.#abortReason.reason;
    }
    const hasBegun = this.#started && !child.isUnfit;
    return hasBegun || timedOut ? this.#outcome(timedOut) : undefined;
  }

  #listen(calls: HostCalls): void {
    const { child } = this.#options;
    // No race with its end, which is a promise that would remember each of its jobs.
    child.onExit = () => this.#over.resolve();
    if (child.status !== undefined) this.#over.resolve();
    child.onMessage = (kind, number, payload) => {
      switch (kind) {
        case "started":
          this.#started = true;
          break;
        case "call":
          calls.add(decodeJson(decoder.decode(payload)) as CallMessage);
          break;
        case "exit":
          this.#exitCalled = true;
          break;
        case "success":
        case "failure":
          this.#answer ??= answerOutcome(kind, decoder.decode(payload));
          break;
        case "answered":
          this.#mark = number;
          this.#over.resolve();
      }
    };
  }

  /** Waits until what the job printed has been passed on, if it has not been. */
  #drain(): Promise<void> | undefined {
    const { child } = this.#options;
    if (this.#mark !== undefined) return child.drainAnswered(this.#mark);
    // Whatever it left running may hold the pipes.
    child.kill("SIGKILL");
    return child.drain();
  }

  #outcome(timedOut: boolean): Outcome {
    if (timedOut) return timeoutOutcome(this.#options.timeout, this.#answer);
    if (this.#answer !== undefined) return this.#answer;
    const { child } = this.#options;
    return endedOutcome(child.status!, {
      exitCalled: this.#exitCalled,
      stderrTail: child.stderrTail(),
    });
  }
}

const decoder = new TextDecoder();
