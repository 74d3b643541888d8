/**
 * One job in the subprocess, from its request to its answer.
 *
 * @module
 */

import { encodePythonJson } from "../job/json.ts";
import { ChildCalls } from "./child_calls.ts";
import type { Channel } from "./child_channel.ts";
import {
  callJob,
  type JobModule,
  type Loaded,
  loadModule,
} from "./child_job.ts";
import type { CurrentJob } from "./current.ts";
import { createCurrentJob } from "./current_job.ts";
import { describeFailure, describeThrown } from "./describe_error.ts";
import type {
  AbortMessage,
  FailureMessage,
  ReplyMessage,
  RunMessage,
} from "./protocol.ts";

// A job may replace any global.
const { AbortController, DOMException } = globalThis;
const { stringify } = JSON;

/** Runs one job. What most jobs do not use is only made when it is asked for. */
export class ChildRun {
  readonly #message: RunMessage;
  readonly #channel: Channel;
  readonly #onAnswered: () => void;
  #currentJob: CurrentJob | undefined;
  #abort: AbortController | undefined;
  #calls: ChildCalls | undefined;
  #answered = false;
  #module: JobModule | undefined;
  #loading = true;

  /** Does nothing before {@linkcode ChildRun.start}. */
  constructor(message: RunMessage, channel: Channel, onAnswered: () => void) {
    this.#message = message;
    this.#channel = channel;
    this.#onAnswered = onAnswered;
  }

  /** What `currentJob` is for the job's code. */
  get currentJob(): CurrentJob {
    return this.#currentJob ??= createCurrentJob({
      request: this.#message.job.request,
      calls: this.#calls ??= new ChildCalls((call) =>
        this.#channel.say("call", this.number, encodePythonJson(call))
      ),
      signal: () => this.#aborter().signal,
      exports: () => this.#module ?? {},
    });
  }

  /** Its number. */
  get number(): number {
    return this.#message.run;
  }

  /** Whether the worker has been told how it ended. */
  get isAnswered(): boolean {
    return this.#answered;
  }

  /** Begins. */
  start(): void {
    this.#run().catch((error) => this.failUncaught(error));
  }

  /** Asks the job to stop. */
  abort({ name, message }: AbortMessage): void {
    this.#aborter().abort(new DOMException(message, name));
  }

  /** Takes the answer to one of its calls. */
  settle(reply: ReplyMessage): void {
    this.#calls?.settle(reply);
  }

  /** Ends the run by an error that its function did not throw itself. */
  failUncaught(thrown: unknown): void {
    if (this.#answered) return;
    this.#fail(
      this.#loading
        ? describeFailure(
          "load",
          "ImportError",
          "Cannot load the job's module",
          thrown,
        )
        : describeThrown("error", thrown),
    );
  }

  #aborter(): AbortController {
    return this.#abort ??= new AbortController();
  }

  async #run(): Promise<void> {
    // The worker hears that the job has started before any code of it runs.
    await undefined;
    const { job } = this.#message;
    const loaded: Loaded = await loadModule(job);
    this.#loading = false;
    if (loaded.type === "failure") return this.#fail(loaded.failure);
    this.#module = loaded.module;
    const answer = await callJob(loaded.func, job.request);
    if (answer.type === "failure") return this.#fail(answer.failure);
    await this.#calls?.settled();
    // A rejection that nobody handles shows only then.
    await this.#channel.turn();
    this.#answer("success", answer.result);
  }

  /** A failure, too, is told only after what the job asked for before is done. */
  async #fail(failure: FailureMessage): Promise<void> {
    await this.#calls?.settled();
    this.#answer("failure", stringify(failure));
  }

  #answer(kind: "success" | "failure", text: string): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#onAnswered();
    this.#channel.answer(kind, this.number, text, this.#message.isQuiet);
  }
}
