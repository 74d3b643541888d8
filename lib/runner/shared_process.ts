/**
 * One subprocess that runs many jobs side by side.
 *
 * @module
 */

import type { Alarm } from "../base/alarms.ts";
import { readAnswer, readCall, refuseMessage } from "./child_messages.ts";
import { HostCalls } from "./host_calls.ts";
import {
  brokenOutcome,
  endedOutcome,
  timeoutMessage,
  timeoutOutcome,
} from "./outcomes.ts";
import type { MessageHandler } from "./output_pump.ts";
import { encodeRun } from "./protocol.ts";
import type { JobHost, Outcome } from "./runner.ts";
import type { Subprocess } from "./subprocess.ts";
import { ABORT_GRACE, START_LIMIT, TimeLimit } from "./time_limit.ts";

/** A job that is to run beside others. */
export interface SharedJob {
  /** The job's id. */
  readonly jobId: string;
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
  readonly number: number;
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
  #startAlarm: Alarm | undefined;

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
   * Runs a job to its end. The call is made at once, so that jobs of one turn go to
   * the process together. Rejects with the signal's reason once the job has stopped or has been killed.
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

  /** Beside others, whatever keeps it from beginning has a time limit. */
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

  /** What is wrong with it is the fault of the run that it is of. */
  #handleOwn(...[kind, number, payload]: Parameters<MessageHandler>): void {
    const run = this.#runs.get(number);
    // What a job left running asks in vain; it may have been stopping just when it answered.
    if (run === undefined && (kind === "call" || kind === "stopping")) return;
    try {
      if (run === undefined || number > this.#started) {
        refuseMessage(kind, `there is no run ${number} now`);
      }
      if (kind === "stopping") run.isAtFault = true;
      else if (kind === "call") run.calls.add(readCall(payload));
      else if (kind === "success" || kind === "failure") {
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
    for (const run of this.#answered) {
      const isLiar = run === this.#culprit && this.#child.fault !== undefined;
      settle(run, isLiar ? this.#outcomeOfCulprit(status) : run.answer!);
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
      // What has not begun is nobody's fault and no timeout, whatever kept the process from it.
      if (number > this.#started) settle(run, "again");
      else if (run.limit.stop() && (run.isAtFault || run === culprit)) {
        settle(run, timeoutOutcome(run.job.timeout, undefined));
      } else if (run === culprit) {
        settle(run, this.#outcomeOfCulprit(status));
      } else settle(run, culprit === "unknown" ? "alone" : "again");
    }
  }

  #outcomeOfCulprit(status: Deno.CommandStatus): Outcome {
    const { fault } = this.#child;
    if (fault !== undefined) return brokenOutcome(fault);
    return endedOutcome(status, {
      exitCalled: this.#exitCalled,
      stderrTail: this.#child.stderrTail(),
      memory: this.#child.memory,
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
