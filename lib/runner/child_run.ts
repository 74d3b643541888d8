/**
 * One run of a job in the subprocess, from the request to the answer.
 *
 * @module
 */

import { stringifyJson, uncurryThis } from "../base/primordials.ts";
import { ChildCalls } from "./child_calls.ts";
import type { Channel } from "./child_channel.ts";
import type { Hooks } from "./child_hooks.ts";
import {
  callJob,
  type Failed,
  type JobModule,
  type Loaded,
  loadModule,
  yielding,
} from "./child_job.ts";
import type { Emit } from "./child_stream.ts";
import type { RunningJob } from "./current_job.ts";
import {
  describeFailure,
  describeJobError,
  errorOf,
} from "./describe_error.ts";
import type { HookedJob } from "./middleware.ts";
import {
  type AbortMessage,
  type ReplyMessage,
  type RunMessage,
  WEBHOOK_URL,
} from "./protocol.ts";

// Captured at load: a job may replace any global.
const { AbortController, DOMException } = globalThis;
const abort = uncurryThis(AbortController.prototype.abort);

/** Runs one job. What most jobs do not use is created on demand. */
export class ChildRun {
  readonly #message: RunMessage;
  readonly #channel: Channel;
  readonly #onAnswered: () => void;
  readonly #hooks: Hooks | undefined;
  #hooked: HookedJob | undefined;
  #running: RunningJob | undefined;
  #abort: AbortController | undefined;
  #calls: ChildCalls | undefined;
  #answered = false;
  #failed = false;
  /** Whether the function has returned or failed: what it leaves running cannot put the job to sleep. */
  #hasEnded = false;
  #module: JobModule | undefined;
  #loading = true;

  /** Does nothing before {@linkcode ChildRun.start}. */
  constructor(
    message: RunMessage,
    channel: Channel,
    onAnswered: () => void,
    hooks?: Hooks,
  ) {
    // What sends a webhook is our own function.
    this.#hooks = message.job.url === WEBHOOK_URL ? undefined : hooks;
    this.#message = message;
    this.#channel = channel;
    this.#onAnswered = onAnswered;
  }

  /** What the job's `currentJob` is made of. */
  get running(): RunningJob {
    return this.#running ??= {
      request: this.#message.job.request,
      calls: this.#calls ??= new ChildCalls((call) =>
        this.#channel.call(this.number, call)
      ),
      signal: () => this.#aborter().signal,
      exports: () => this.#module ?? {},
      exportName: this.#message.job.exportName,
      sleep: (isIdle) => void this.#sleep(isIdle),
    };
  }

  /** The run's number. */
  get number(): number {
    return this.#message.run;
  }

  /** Starts the run. */
  start(): void {
    void this.#begin();
  }

  /** Aborts the job's signal. */
  abort({ name, message }: AbortMessage): void {
    abort(this.#aborter(), new DOMException(message, name));
  }

  /** Settles one of its calls. */
  settle(reply: ReplyMessage): void {
    this.#calls?.settle(reply);
  }

  /** Fails the run with an error from outside its function's promise. */
  failUncaught(thrown: unknown): void {
    if (this.#answered) return;
    const failure = this.#loading
      ? describeFailure(
        "load",
        "ImportError",
        "Cannot load the job's module",
        thrown,
      )
      : describeJobError(thrown);
    this.#fail({ type: "failure", failure, thrown });
  }

  #aborter(): AbortController {
    return this.#abort ??= new AbortController();
  }

  async #begin(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      this.failUncaught(error);
    }
  }

  async #run(): Promise<void> {
    // The worker learns that the job has started before any of its code runs.
    await undefined;
    const { job } = this.#message;
    const loaded: Loaded = await loadModule(job);
    this.#loading = false;
    if (loaded.type === "failure") return this.#fail(loaded);
    this.#module = loaded.module;
    const { func, owner } = loaded;
    const emit: Emit = (parts) => this.running.calls.emit(parts);
    const hooked = this.#hooks?.around(
      yielding(func, emit, job.request),
      this.#hookedJob,
    );
    const answer = await callJob(hooked ?? func, owner, job.request, emit);
    this.#hasEnded = true;
    if (answer.type === "failure") return this.#fail(answer);
    await this.#calls?.settled();
    // Unhandled rejections are reported only after a turn of the event loop.
    await this.#channel.turn();
    this.#answer("success", answer.result);
  }

  /**
   * Ends the run, if it has nothing else to do once its calls are done and what waits for them has had its turn. What the
   * function is waiting for never comes.
   */
  async #sleep(isIdle: () => boolean): Promise<void> {
    await this.#calls?.settled();
    await this.#channel.turn();
    if (isIdle() && !this.#hasEnded) this.#answer("asleep", "");
  }

  /** The job as hooks see it. */
  get #hookedJob(): HookedJob {
    return this.#hooked ??= this.#hooks!.jobOf(this.#message.job.request);
  }

  /**
   * Reports a failure, after the exception handlers have been called, and the calls that the job made before it are done.
   */
  async #fail({ failure, thrown }: Failed): Promise<void> {
    if (this.#failed) return; // the first error counts
    this.#failed = this.#hasEnded = true;
    if (failure.retry?.type !== "again") {
      await this.#hooks?.handle(this.#hookedJob, errorOf(thrown));
    }
    await this.#calls?.settled();
    this.#answer("failure", stringifyJson(failure));
  }

  #answer(kind: "success" | "failure" | "asleep", text: string): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#onAnswered();
    this.#calls?.end();
    this.#channel.answer(kind, this.number, text, this.#message.isQuiet);
  }
}
