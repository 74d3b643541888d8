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
import type { ControlMessage, FailureMessage, RunMessage } from "./protocol.ts";

const { stringify } = JSON;

/** Serves one job. Returns at once; the process ends when the worker wants it to. */
export function runChild(): void {
  const reader = new ControlReader();
  const child = new Child(bytesOfHex(reader.readHello().token));
  shieldStdio();
  child.listen();
  reader.forEach((message) => child.handle(message)).catch(() => exitNow(1));
}

class Child {
  readonly #encoder = new TextEncoder();
  readonly #answers: FrameWriter;
  readonly #endMarks: FrameWriter;
  readonly #abort = new AbortController();
  readonly #calls = new ChildCalls((call) =>
    this.#send("call", stringify(call))
  );
  #answered = false;
  #module: JobModule | undefined;
  #loading = true;

  constructor(token: Uint8Array) {
    this.#answers = new FrameWriter(token, writeAnswer);
    this.#endMarks = new FrameWriter(token, writeEndMark);
  }

  /** Hears of what goes wrong outside of the function's own promise. */
  listen(): void {
    addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      this.#failUncaught(event.reason);
    });
    addEventListener("error", (event) => {
      event.preventDefault();
      this.#failUncaught(event.error ?? event.message);
    });
    addEventListener("unload", () => {
      if (!this.#answered) this.#send("exit", "");
    });
    this.#send("ready", "");
  }

  handle(message: ControlMessage): void {
    switch (message.type) {
      case "run":
        this.#run(message).catch((error) => this.#failUncaught(error));
        break;
      case "abort":
        this.#abort.abort(new DOMException(message.message, "TimeoutError"));
        break;
      case "reply":
        this.#calls.settle(message);
        break;
    }
  }

  async #run(message: RunMessage): Promise<void> {
    this.#send("started", "");
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

  #failUncaught(thrown: unknown): void {
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

  /** A failure, too, is told only after what the job asked for before is done. */
  async #fail(failure: FailureMessage): Promise<void> {
    await this.#calls.settled();
    this.#answer("failure", stringify(failure));
  }

  #answer(kind: "success" | "failure", text: string): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#endMarks.send("end", new Uint8Array());
    this.#send(kind, text);
  }

  #send(kind: MessageKind, text: string): void {
    this.#answers.send(kind, this.#encoder.encode(text));
  }
}

function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex);
}
