/**
 * What the subprocess does: it says that it is ready, waits for one job, runs it,
 * answers, and waits to be killed.
 *
 * It does not end by itself after the answer, so that its process group's id
 * stays its own until the worker has killed the whole group.
 *
 * @module
 */

import {
  ControlReader,
  exitNow,
  nextTurn,
  shieldStdio,
  writeAnswer,
  writeEndMark,
} from "./child_io.ts";
import { setCurrentJob } from "./current.ts";
import { createCurrentJob } from "./current_job.ts";
import { describeFailure, describeThrown } from "./describe_error.ts";
import { FrameWriter, type MessageKind } from "./frames.ts";
import {
  callJob,
  type JobModule,
  type Loaded,
  loadModule,
} from "./child_job.ts";
import { ChildCalls } from "./child_calls.ts";
import type {
  ControlMessage,
  FailureMessage,
  ReplyMessage,
  RunMessage,
} from "./protocol.ts";

const { stringify } = JSON;

/** Serves jobs, one after the other. Returns at once; the process ends when the worker wants it to. */
export function runChild(): void {
  const reader = new ControlReader();
  const child = new Child(bytesOfHex(reader.readHello().token));
  shieldStdio();
  child.listen();
  reader.forEach((message) => child.handle(message)).catch(() => exitNow(1));
}

/** What a run needs of the process. */
interface Channel {
  /** Tells the worker something. */
  readonly send: (kind: MessageKind, text: string) => void;
  /** Marks the end of a run on stderr. */
  readonly markEnd: () => void;
}

/** The process: its pipes, and what goes wrong outside of a function's own promise. */
class Child {
  readonly #channel: Channel;
  #run: ChildRun | undefined;

  constructor(token: Uint8Array) {
    const encoder = new TextEncoder();
    const answers = new FrameWriter(token, writeAnswer);
    const endMarks = new FrameWriter(token, writeEndMark);
    this.#channel = {
      send: (kind, text) => answers.send(kind, encoder.encode(text)),
      markEnd: () => endMarks.send("end", new Uint8Array()),
    };
  }

  listen(): void {
    addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      this.#run?.failUncaught(event.reason);
    });
    addEventListener("error", (event) => {
      event.preventDefault();
      this.#run?.failUncaught(event.error ?? event.message);
    });
    addEventListener("unload", () => {
      if (this.#run?.isAnswered !== true) this.#channel.send("exit", "");
    });
    this.#channel.send("ready", "");
  }

  handle(message: ControlMessage): void {
    switch (message.type) {
      case "run":
        this.#run = new ChildRun(this.#channel);
        this.#run.start(message);
        break;
      case "abort":
        this.#run?.abort(message.message);
        break;
      case "reply":
        this.#run?.settle(message);
        break;
    }
  }
}

/** One job. */
class ChildRun {
  readonly #channel: Channel;
  readonly #abort = new AbortController();
  readonly #calls: ChildCalls;
  #answered = false;
  #module: JobModule | undefined;
  #loading = true;

  constructor(channel: Channel) {
    this.#channel = channel;
    this.#calls = new ChildCalls((call) =>
      channel.send("call", stringify(call))
    );
  }

  get isAnswered(): boolean {
    return this.#answered;
  }

  start(message: RunMessage): void {
    this.#run(message).catch((error) => this.failUncaught(error));
  }

  abort(message: string): void {
    this.#abort.abort(new DOMException(message, "TimeoutError"));
  }

  settle(reply: ReplyMessage): void {
    this.#calls.settle(reply);
  }

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

  async #run(message: RunMessage): Promise<void> {
    this.#channel.send("started", "");
    setCurrentJob(createCurrentJob({
      request: message.request,
      calls: this.#calls,
      signal: this.#abort.signal,
      exports: () => this.#module ?? {},
    }));
    const loaded: Loaded = await loadModule(message);
    this.#loading = false;
    if (loaded.type === "failure") return this.#fail(loaded.failure);
    this.#module = loaded.module;
    const answer = await callJob(loaded.func, message.request);
    if (answer.type === "failure") return this.#fail(answer.failure);
    await this.#calls.settled();
    // A rejection that nobody handles shows only then.
    await nextTurn();
    this.#answer("success", answer.result);
  }

  /** A failure, too, is told only after what the job asked for before is done. */
  async #fail(failure: FailureMessage): Promise<void> {
    await this.#calls.settled();
    this.#answer("failure", stringify(failure));
  }

  #answer(kind: "success" | "failure", text: string): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#channel.markEnd();
    this.#channel.send(kind, text);
  }
}

function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex);
}
