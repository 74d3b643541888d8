/**
 * One subprocess that runs many jobs side by side.
 *
 * @module
 */

import type { Alarm } from "../base/alarms.ts";
import { decodeJson } from "../job/json.ts";
import { HostCalls } from "./host_calls.ts";
import {
  answerOutcome,
  endedOutcome,
  timeoutMessage,
  timeoutOutcome,
} from "./outcomes.ts";
import type { MessageHandler } from "./output_pump.ts";
import { type CallMessage, encodeRun } from "./protocol.ts";
import type { JobHost, Outcome } from "./runner.ts";
import type { Subprocess } from "./subprocess.ts";
import { ABORT_GRACE, TimeLimit } from "./time_limit.ts";

/** A job that is to run beside others. */
export interface SharedJob {
  /** A `RunnableJob` as JSON. */
  readonly job: string;
  /** Seconds that it may run; below 0 there is no limit. */
  readonly timeout: number;
  /** Whom it can ask. */
  readonly host: JobHost;
  /** Stops it. */
  readonly signal: AbortSignal;
}

/**
 * The process ended, and this job was not the reason.
 *
 * - `again`: another job was, or the process had not begun this one
 * - `alone`: it may have been any of several
 */
export type Interrupted = "again" | "alone";

/** One job in the process. */
interface Run {
  readonly job: SharedJob;
  readonly calls: HostCalls;
  readonly limit: TimeLimit;
  readonly resolve: (ended: Outcome | Interrupted) => void;
  readonly reject: (reason: unknown) => void;
  answer: Outcome | undefined;
  /**
   * Whether it is its own fault that it goes on beyond its time: the process has heard that it is to stop,
   * or has no other job. One that does not even hear is blocked, and that may be another job's doing.
   */
  isAtFault: boolean;
  /** Ends the patience with a job that was stopped. */
  stopAlarm?: Alarm;
}

const decoder = new TextDecoder();

/** Runs jobs in one subprocess, which ends when one of them does not stop where it has to. */
export class SharedProcess {
  /** Resolves once the process has ended and all of its jobs are settled. */
  readonly ended: Promise<void>;
  readonly #child: Subprocess;
  readonly #killGrace: number;
  readonly #runs = new Map<number, Run>();
  /** Jobs that have answered, until all that they printed has been passed on. */
  #answered: Run[] = [];
  #started = 0;
  #isOver = false;
  /** Set if it is known for whose sake the process ends. */
  #culprit: Run | "unknown" | "another" | undefined;
  #exitCalled = false;

  /**
   * Takes over a subprocess that is ready.
   *
   * @param killGrace milliseconds from SIGTERM to SIGKILL for a job whose time is up
   */
  constructor(child: Subprocess, killGrace: number) {
    this.#child = child;
    this.#killGrace = killGrace;
    child.onMessage = (...message) => this.#handle(...message);
    this.ended = this.#awaitEnd();
  }

  /** Whether it takes no more jobs. */
  get isOver(): boolean {
    return this.#isOver || this.#child.isFull ||
      this.#child.status !== undefined;
  }

  /** How many jobs it has been given. */
  get jobs(): number {
    return this.#child.jobs;
  }

  get #isIdle(): boolean {
    return this.#runs.size === 0 && this.#answered.length === 0;
  }

  /**
   * Runs a job to its end. The call is made at once, so that jobs of one turn go to
   * the process together. Rejects with the signal's reason once the job has stopped or has been killed.
   */
  run(job: SharedJob): Promise<Outcome | Interrupted> {
    const number = this.#child.begin(!this.#isIdle);
    const { promise, resolve, reject } = Promise.withResolvers<
      Outcome | Interrupted
    >();
    const run: Run = {
      job,
      calls: new HostCalls(
        number,
        job.host,
        (reply) => this.#child.send(reply),
      ),
      limit: new TimeLimit(job.timeout, {
        killGrace: this.#killGrace,
        abort: () => {
          run.isAtFault = this.#runs.size === 1;
          this.#askToStop(number, "TimeoutError", timeoutMessage(job.timeout));
        },
        kill: (signal) => this.#killForTimeout(run, signal),
        alarms: this.#child.alarms,
      }),
      resolve,
      reject,
      answer: undefined,
      isAtFault: false,
    };
    this.#runs.set(number, run);
    const { isQuiet } = this.#child;
    void this.#child.sendLine(encodeRun(number, job.job, isQuiet));
    return this.#untilEnded(number, run, promise);
  }

  /** Takes no more jobs, and ends once those in hand have. */
  retire(): void {
    this.#isOver = true;
    if (this.#isIdle) this.kill();
  }

  /** Kills the process, and with it all of its jobs. */
  kill(): void {
    this.#isOver = true;
    this.#child.kill("SIGKILL");
  }

  async #untilEnded(
    number: number,
    run: Run,
    ended: Promise<Outcome | Interrupted>,
  ): Promise<Outcome | Interrupted> {
    const { signal } = run.job;
    const onAbort = () => this.#stop(number, run);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await ended;
    } finally {
      signal.removeEventListener("abort", onAbort);
      run.limit.stop();
      this.#child.alarms.clear(run.stopAlarm);
    }
  }

  #handle(...[kind, number, payload]: Parameters<MessageHandler>): void {
    const run = this.#runs.get(number);
    switch (kind) {
      case "started":
        this.#started = number;
        break;
      case "call":
        run?.calls.add(decodeJson(decoder.decode(payload)) as CallMessage);
        break;
      case "success":
      case "failure":
        if (run === undefined) break;
        this.#runs.delete(number);
        run.answer = answerOutcome(kind, decoder.decode(payload));
        this.#answered.push(run);
        break;
      case "stopping":
        if (run !== undefined) run.isAtFault = true;
        break;
      case "answered":
        this.#settleAnswered(number);
        break;
      case "exit":
        this.#exitCalled = true;
        this.#culprit ??= run ?? (number === 0 ? "unknown" : "another");
        break;
      case "uncaught":
        this.#culprit ??= "unknown";
        this.kill();
    }
  }

  /** Once what they printed has been passed on. */
  async #settleAnswered(mark: number): Promise<void> {
    const answered = this.#answered;
    this.#answered = [];
    await undefined; // the mark mostly comes in the same turn, right after
    const drained = this.#child.drainAnswered(mark);
    if (drained !== undefined) await drained;
    for (const run of answered) settle(run, run.answer!);
    if (this.#isOver && this.#isIdle) this.kill();
  }

  #askToStop(
    run: number,
    name: "TimeoutError" | "AbortError",
    message: string,
  ): void {
    void this.#child.send({ type: "abort", run, name, message });
  }

  /** A job that is stopped may see to it itself for a moment, unless all of them are. */
  #stop(number: number, run: Run): void {
    if (run.answer !== undefined) return; // it is over, and is only being passed on
    const all = [...this.#runs.values()];
    if (all.every(({ job }) => job.signal.aborted)) {
      return this.#killFor(run, "SIGKILL");
    }
    this.#askToStop(number, "AbortError", "The job was stopped");
    const kill = () => this.#killFor(run, "SIGKILL");
    run.stopAlarm = this.#child.alarms.set(ABORT_GRACE, kill);
  }

  #killForTimeout(run: Run, signal: Deno.Signal): void {
    this.#culprit ??= run.isAtFault ? run : "unknown";
    this.#isOver = true;
    this.#child.kill(signal);
  }

  #killFor(run: Run, signal: Deno.Signal): void {
    this.#culprit ??= run;
    this.#isOver = true;
    this.#child.kill(signal);
  }

  async #awaitEnd(): Promise<void> {
    const status = await this.#child.exited;
    this.#child.alarms[Symbol.dispose]();
    this.#child.kill("SIGKILL"); // what it has left running may hold the pipes
    await this.#child.drain();
    // Its last answers may lack their end mark.
    for (const run of this.#answered) settle(run, run.answer!);
    this.#answered = [];
    const runs = [...this.#runs];
    this.#runs.clear();
    await Promise.all(runs.map(([, { calls }]) => calls.finish()));
    const lone = runs.length === 1 && runs[0]![0] <= this.#started
      ? runs[0]![1]
      : undefined;
    const culprit = this.#culprit ?? lone ?? "unknown";
    for (const [number, run] of runs) {
      const timedOut = run.limit.stop() &&
        (run.isAtFault || run === culprit);
      if (timedOut) {
        settle(run, timeoutOutcome(run.job.timeout, undefined));
      } else if (run === culprit) {
        settle(run, this.#outcomeOfCulprit(status));
      } else if (number > this.#started || culprit !== "unknown") {
        settle(run, "again");
      } else settle(run, "alone");
    }
  }

  #outcomeOfCulprit(status: Deno.CommandStatus): Outcome {
    return endedOutcome(status, {
      exitCalled: this.#exitCalled,
      stderrTail: this.#child.stderrTail(),
    });
  }
}

/** What was asked of a job comes before what it answered. */
function settle(run: Run, ended: Outcome | Interrupted): void {
  const { signal, timeout } = run.job;
  if (signal.aborted) run.reject(signal.reason);
  else if (typeof ended === "object" && run.limit.stop() && run.isAtFault) {
    run.resolve(timeoutOutcome(timeout, run.answer));
  } else run.resolve(ended);
}
