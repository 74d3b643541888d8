/**
 * One subprocess that runs many jobs concurrently.
 *
 * @module
 */

import type { Alarm } from "../base/alarms.ts";
import { readAnswer, readCall, refuseMessage } from "./child_messages.ts";
import { HostCalls } from "./host_calls.ts";
import {
  brokenOutcome,
  endedOutcome,
  exitFacts,
  timeoutMessage,
  timeoutOutcome,
} from "./outcomes.ts";
import type { MessageHandler } from "./output_pump.ts";
import { encodeRun } from "./protocol.ts";
import type { JobHost, Outcome, RunOptions } from "./runner.ts";
import type { Subprocess } from "./subprocess.ts";
import { ABORT_GRACE, START_LIMIT, TimeLimit } from "./time_limit.ts";

/** A job to run in a shared process. */
export interface SharedJob extends RunOptions {
  /** The job's id. */
  readonly jobId: string;
  /** A `RunnableJob` as JSON. */
  readonly job: string;
  /** Seconds that it may run; below 0 there is no limit. */
  readonly timeout: number;
  /** Performs the job's calls. */
  readonly host: JobHost;
}

/**
 * The process ended, but perhaps not because of this job. The job must be run again:
 *
 * - `again`: in a shared process, since another job was the reason, or this one had not begun
 * - `alone`: in a process of its own, since any of several jobs may have been the reason
 */
export type Interrupted = "again" | "alone";

/** One job in the process. */
interface Run {
  readonly number: number;
  readonly job: SharedJob;
  readonly calls: HostCalls;
  readonly limit: TimeLimit;
  readonly resolve: (ended: Outcome | Interrupted) => void;
  readonly reject: (reason: unknown) => void;
  answer: Outcome | undefined;
  /**
   * Whether it is this job's own fault that it exceeds its time limit: the process has received the request to stop,
   * or runs no other job. A process that does not react is blocked, possibly by another job.
   */
  isAtFault: boolean;
  /** Kills the process if the stopped job does not stop in time. */
  stopAlarm?: Alarm;
}

/** Runs jobs in one subprocess, which is killed if one of them does not stop when it has to. */
export class SharedProcess {
  /** Resolves once the process has ended and all of its jobs are settled. */
  readonly ended: Promise<void>;
  readonly #child: Subprocess;
  readonly #killGrace: number;
  readonly #runs = new Map<number, Run>();
  /** Jobs that have answered, until their output has been passed on. */
  #answered: Run[] = [];
  #started = 0;
  #isOver = false;
  /** Which job ends the process, once that is known. */
  #culprit: Run | "unknown" | "another" | undefined;
  #exitCalled = false;
  #startAlarm: Alarm | undefined;

  /**
   * Takes over a subprocess that is ready.
   *
   * @param killGrace Milliseconds from SIGTERM to SIGKILL for a job whose time is up.
   */
  constructor(child: Subprocess, killGrace: number) {
    this.#child = child;
    this.#killGrace = killGrace;
    child.onMessage = (...message) => this.#handle(...message);
    this.ended = this.#awaitEnd();
  }

  /** Whether it takes no more jobs. */
  get isOver(): boolean {
    return this.#isOver || this.#child.isFull || this.#child.isSpoiled ||
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
   * Runs a job to its end. It is sent synchronously, so that jobs of one turn go to the
   * process together. Rejects with the signal's reason once the job has stopped or has been killed.
   */
  run(job: SharedJob): Promise<Outcome | Interrupted> {
    const number = this.#child.begin(job.jobId, !this.#isIdle);
    const { promise, resolve, reject } = Promise.withResolvers<
      Outcome | Interrupted
    >();
    const run: Run = {
      number,
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
    if (this.#runs.size === 0) this.#expectStart(number);
    this.#runs.set(number, run);
    const { isQuiet } = this.#child;
    void this.#child.sendLine(encodeRun(number, job.job, isQuiet));
    return this.#untilEnded(number, run, promise);
  }

  /** Takes no more jobs, and ends after the current ones. */
  retire(): void {
    this.#isOver = true;
    if (this.#isIdle) this.kill();
  }

  /** Kills the process and all of its jobs. */
  kill(): void {
    this.#isOver = true;
    this.#child.kill("SIGKILL");
  }

  /** Kills the process if it does not begin a job in time. Used if no other job runs, whose time limit would end it. */
  #expectStart(number: number): void {
    this.#child.alarms.clear(this.#startAlarm);
    this.#startAlarm = this.#child.alarms.set(START_LIMIT, () => {
      if (this.#started < number) this.kill();
    });
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
    switch (kind) {
      case "started":
        if (number <= this.#started) refuseMessage(kind, "it is an old one");
        this.#started = number;
        break;
      case "answered":
        this.#settleAnswered(number);
        break;
      case "exit":
        this.#exitCalled = true;
        this.#culprit ??= this.#runs.get(number) ??
          (number === 0 ? "unknown" : "another");
        break;
      case "late":
        this.retire();
        break;
      case "uncaught":
        this.#culprit ??= "unknown";
        this.kill();
        break;
      default:
        this.#handleOwn(kind, number, payload);
    }
  }

  /** Handles a message about one run, which is the culprit if the message is invalid. */
  #handleOwn(...[kind, number, payload]: Parameters<MessageHandler>): void {
    const run = this.#runs.get(number);
    // Ignored: a call of code that a job left running, or a job that answered just when it was asked to stop.
    if (run === undefined && (kind === "call" || kind === "stopping")) return;
    try {
      if (run === undefined || number > this.#started) {
        refuseMessage(kind, `there is no run ${number} now`);
      }
      if (kind === "stopping") run.isAtFault = true;
      else if (kind === "call") run.calls.add(readCall(payload));
      else if (
        kind === "success" || kind === "failure" || kind === "asleep"
      ) {
        run.answer = readAnswer(kind, payload);
        this.#runs.delete(number);
        this.#answered.push(run);
      }
    } catch (error) {
      this.#culprit ??= run ??
        this.#answered.find((answered) => answered.number === number);
      throw error;
    }
  }

  /** Settles the jobs that have answered, once their output has been passed on. */
  async #settleAnswered(mark: number): Promise<void> {
    const answered = this.#answered;
    this.#answered = [];
    await undefined; // the mark on stderr usually arrives in the same turn
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

  /** Asks a job to stop. It has a moment to do so, unless all jobs are being stopped: then the process is killed. */
  #stop(number: number, run: Run): void {
    if (run.answer !== undefined) return; // it has ended; only its output is still being passed on
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
    this.#child.kill("SIGKILL"); // programs that it left running may hold the pipes open
    await this.#child.drain();
    // The end mark of its last answers may be missing.
    for (const run of this.#answered) {
      const isLiar = run === this.#culprit && this.#child.fault !== undefined;
      settle(run, isLiar ? this.#outcomeOfCulprit(run, status) : run.answer!);
    }
    this.#answered = [];
    const runs = [...this.#runs];
    this.#runs.clear();
    await Promise.all(runs.map(([, { calls }]) => calls.finish()));
    const lone = runs.length === 1 && runs[0]![0] <= this.#started
      ? runs[0]![1]
      : undefined;
    const culprit = this.#culprit ?? lone ?? "unknown";
    for (const [number, run] of runs) {
      // A job that has not begun is neither the reason nor timed out, whatever delayed it.
      if (number > this.#started) settle(run, "again");
      else if (run.limit.stop() && (run.isAtFault || run === culprit)) {
        run.job.onProcess?.(exitFacts(status));
        settle(run, timeoutOutcome(run.job.timeout, undefined));
      } else if (run === culprit) {
        settle(run, this.#outcomeOfCulprit(run, status));
      } else settle(run, culprit === "unknown" ? "alone" : "again");
    }
  }

  #outcomeOfCulprit(run: Run, status: Deno.CommandStatus): Outcome {
    run.job.onProcess?.(exitFacts(status));
    const { fault } = this.#child;
    if (fault !== undefined) return brokenOutcome(fault);
    return endedOutcome(status, {
      exitCalled: this.#exitCalled,
      stderrTail: this.#child.stderrTail(),
      memory: this.#child.memory,
    });
  }
}

/** Settles a run. A stop comes before an answer, and a time limit that it exceeded itself does too. */
function settle(run: Run, ended: Outcome | Interrupted): void {
  const { signal, timeout } = run.job;
  if (signal.aborted) run.reject(signal.reason);
  else if (typeof ended === "object" && run.limit.stop() && run.isAtFault) {
    run.resolve(timeoutOutcome(timeout, run.answer));
  } else run.resolve(ended);
}
