/**
 * One run of a job in a subprocess that runs one job at a time.
 *
 * @module
 */

import { readAnswer, readCall, refuseMessage } from "./child_messages.ts";
import { HostCalls } from "./host_calls.ts";
import {
  brokenOutcome,
  endedOutcome,
  exitFacts,
  timeoutMessage,
  timeoutOutcome,
} from "./outcomes.ts";
import type { MessageKind } from "./frames.ts";
import type { MessageHandler } from "./output_pump.ts";
import { encodeRun } from "./protocol.ts";
import type { JobHost, Outcome, ProcessFacts } from "./runner.ts";
import type { Subprocess } from "./subprocess.ts";
import { START_LIMIT, TimeLimit } from "./time_limit.ts";

/** The options of a {@linkcode JobRun}. */
export interface JobRunOptions {
  /** The subprocess, waiting for its job. */
  readonly child: Subprocess;
  /** The job's id. */
  readonly jobId: string;
  /** A `RunnableJob` as JSON. */
  readonly job: string;
  /** Seconds that the job may run; below 0 there is no limit. */
  readonly timeout: number;
  /** Performs the job's calls. */
  readonly host: JobHost;
  /** Milliseconds from SIGTERM to SIGKILL after the time limit. */
  readonly killGrace: number;
  /** Whether the subprocess may serve another job if this one succeeds. */
  readonly reusable: boolean;
  /** Whether what the process has used is also measured if the job succeeds. @default false */
  readonly measure?: boolean;
  /** See `RunOptions`. @default nobody is told */
  readonly onProcess?: ((facts: ProcessFacts) => void) | undefined;
}

/** Runs one job to its end. */
export class JobRun {
  /** See {@linkcode JobRunOptions}. */
  readonly options: JobRunOptions;
  /** Resolves on the answer, the end of the subprocess or the abort, whichever is first. */
  readonly #over = Promise.withResolvers<void>();
  readonly #aborted = Promise.withResolvers<void>();
  /** The mark on stderr up to which output belongs to the job, once it has answered. */
  #mark: number | undefined;
  #abortReason: { readonly reason: unknown } | undefined;
  #answer: Outcome | undefined;
  #started = false;
  #exitCalled = false;
  /** Whether the end of the process may be the fault of an earlier job. */
  #isInnocent = false;
  #isOver = false;
  #isReusable = false;

  /** Does nothing before {@linkcode JobRun.run}. */
  constructor(options: JobRunOptions) {
    this.options = options;
  }

  /** Whether the subprocess can take another job. */
  get isReusable(): boolean {
    const { child } = this.options;
    return this.#isReusable && this.#abortReason === undefined &&
      !child.isFull && !child.isSpoiled && child.fault === undefined &&
      child.status === undefined;
  }

  /** Whether the job had begun and has to begin again, through no fault of its own. */
  get isInterrupted(): boolean {
    return this.#started && this.#isInnocent;
  }

  /** Kills the job at once; `run()` then rejects with the reason. */
  abort(reason: unknown): void {
    this.#abortReason ??= { reason };
    this.options.child.measure();
    this.options.child.kill("SIGKILL");
    this.#aborted.resolve();
    this.#over.resolve();
  }

  /**
   * Sends the job and resolves with how it ended. If there was no answer in time, the process group has been killed by
   * then; otherwise the caller closes the subprocess, after passing the answer on. Resolves to `undefined` if the
   * subprocess died before it began the job, or possibly because of an earlier job: then the job must be run in
   * a fresh subprocess.
   */
  async run(): Promise<Outcome | undefined> {
    const { child, job, host, timeout, killGrace } = this.options;
    const run = child.begin(this.options.jobId, false);
    const calls = new HostCalls(run, host, (reply) => child.send(reply));
    this.#listen(run, calls);
    const start = child.alarms.set(START_LIMIT, () => {
      if (!this.#started) child.kill("SIGKILL");
    });
    using limit = new TimeLimit(timeout, {
      killGrace,
      abort: () => {
        const message = timeoutMessage(timeout);
        void child.send({ type: "abort", run, name: "TimeoutError", message });
      },
      kill: (signal) => {
        child.measure();
        child.kill(signal);
      },
      alarms: child.alarms,
    });
    child.onPrinted = host.printed;
    // What a quiet process prints on stderr may come behind the job's answer.
    const isQuiet = child.isQuiet && host.printed === undefined;
    void child.sendLine(encodeRun(run, job, isQuiet));
    await this.#over.promise;
    const timedOut = limit.stop();
    child.alarms.clear(start);
    const drained = this.#drain();
    if (drained !== undefined) {
      await Promise.race([drained, this.#aborted.promise]);
    }
    this.#isReusable = this.options.reusable && !timedOut &&
      this.#answer?.type === "success";
    this.#isOver = true;
    child.onPrinted = undefined;
    if (this.#answer === undefined || timedOut) await child.close();
    await calls.finish();
    this.options.onProcess?.(this.#facts(timedOut));
    if (this.#answer === undefined && this.#abortReason !== undefined) {
      throw this.#abortReason.reason;
    }
    const isOthers = this.#isInnocent && this.#answer === undefined;
    const hasBegun = this.#started && !child.isUnfit;
    return hasBegun && !isOthers ? this.#outcome(timedOut) : undefined;
  }

  #listen(run: number, calls: HostCalls): void {
    const { child } = this.options;
    // Not a race with `child.exited`: that promise would keep a reaction for each of its jobs.
    child.onExit = () => this.#over.resolve();
    if (child.status !== undefined) this.#over.resolve();
    child.onMessage = (...message) => this.#handle(run, calls, ...message);
  }

  #handle(
    run: number,
    calls: HostCalls,
    ...[kind, number, payload]: Parameters<MessageHandler>
  ): void {
    const { child } = this.options;
    switch (kind) {
      case "late":
        if (this.#isOver) child.kill("SIGKILL");
        break;
      case "answered":
        if (this.#answer === undefined || this.#mark !== undefined) {
          refuseMessage(kind, "the job has no answer");
        }
        this.#mark = number;
        this.#over.resolve();
        break;
      case "uncaught":
        this.#endFor(0, run);
        child.kill("SIGKILL");
        break;
      case "exit":
        child.measure();
        this.#endFor(number, run);
        break;
      case "call":
        // Calls of code that an earlier job left running are ignored.
        if (number === run && !this.#isOver) calls.add(readCall(payload));
        break;
      default:
        if (
          number !== run || this.#answer !== undefined ||
          this.#started === (kind === "started")
        ) {
          refuseMessage(
            kind,
            `it is of run ${number} in run ${run}, out of turn`,
          );
        }
        this.#handleOwn(kind, payload);
    }
  }

  #handleOwn(kind: MessageKind, payload: Uint8Array): void {
    switch (kind) {
      case "started":
        this.#started = true;
        break;
      case "stopping":
        break;
      case "success":
      case "failure":
      case "asleep":
        this.#answer = readAnswer(kind, payload);
        if (kind === "failure" || this.options.measure) {
          this.options.child.measure();
        }
    }
  }

  /** The process is ending because of a run; 0 if it is not known which. */
  #endFor(culprit: number, run: number): void {
    const isOwn = culprit === run || run === 1;
    if (isOwn) this.#exitCalled = true;
    else this.#isInnocent = true;
  }

  /** Waits until the job's output has been passed on; `undefined` if it has been. */
  #drain(): Promise<void> | undefined {
    const { child } = this.options;
    if (this.#mark !== undefined) return child.drainAnswered(this.#mark);
    // Programs that it left running may hold the pipes open.
    child.kill("SIGKILL");
    return child.drain();
  }

  #facts(timedOut: boolean): ProcessFacts {
    const { status, usage } = this.options.child;
    const isEnd = this.#answer === undefined || timedOut;
    return { ...usage, ...(isEnd && status ? exitFacts(status) : {}) };
  }

  #outcome(timedOut: boolean): Outcome {
    const { child } = this.options;
    if (child.fault !== undefined) return brokenOutcome(child.fault);
    if (timedOut) return timeoutOutcome(this.options.timeout, this.#answer);
    if (this.#answer !== undefined) return this.#answer;
    return endedOutcome(child.status!, {
      exitCalled: this.#exitCalled,
      stderrTail: child.stderrTail(),
      memory: child.memory,
    });
  }
}
