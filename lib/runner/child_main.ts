/**
 * What the subprocess does: it says that it is ready, waits for jobs, runs them,
 * answers, and waits to be killed.
 *
 * It does not end by itself after the answer, so that its process group's id
 * stays its own until the worker has killed the whole group.
 *
 * @module
 */

import { Channel } from "./child_channel.ts";
import { ControlReader, exitNow, shieldStdio } from "./child_io.ts";
import { ChildRun } from "./child_run.ts";
import type { CurrentJob } from "./current.ts";
import { setCurrentJobSource } from "./current_job.ts";
import { preloadModule, REHEARSAL_URL } from "./child_job.ts";
import { decodeJson } from "../job/json.ts";
import {
  type ControlMessage,
  encodeRun,
  type HelloMessage,
  type RunMessage,
} from "./protocol.ts";

/** Serves jobs. Returns at once; the process ends when the worker wants it to. */
export function runChild(): void {
  const reader = new ControlReader();
  const hello = reader.readHello();
  shieldStdio();
  const channel = new Channel(hello);
  if (hello.shared) {
    sharedContext().then((context) =>
      serve(new Child(channel, context), reader)
    )
      .catch(() => exitNow(1));
  } else serve(new Child(channel, undefined), reader);
  rehearse(hello);
}

/**
 * Goes through the motions of a job once, unheard, while there is none: what is compiled and
 * loaded on its first use took a fifth of the time of a short first job.
 */
function rehearse(hello: HelloMessage): void {
  const request = {
    ...{ jobId: "", executionId: "", attempt: 1, origin: "", funcName: "" },
    ...{ args: [], kwargs: {}, meta: {}, timeout: -1 },
  };
  const job = { url: REHEARSAL_URL, exportName: "rehearsal", request };
  const message = decodeJson(encodeRun(0, JSON.stringify(job), false));
  const channel = new Channel(hello, true);
  new ChildRun(message as RunMessage, channel, () => undefined).start();
}

function serve(child: Child, reader: ControlReader): void {
  child.listen();
  reader.forEach((message) => child.handle(message), () => child.handled())
    .catch(() => exitNow(1));
}

/** With several runs side by side, what the current job is depends on who asks. */
async function sharedContext(): Promise<RunContext> {
  const { AsyncLocalStorage } = await import("node:async_hooks");
  const storage = new AsyncLocalStorage<ChildRun>();
  return {
    enter: (run, work) => storage.run(run, work),
    get: () => storage.getStore(),
  };
}

/** Tells which run the code that asks belongs to. */
interface RunContext {
  /** Does something as a part of a run. */
  enter(run: ChildRun, work: () => void): void;
  /** The run, if it is known. */
  get(): ChildRun | undefined;
}

/** The process: its pipes, and what goes wrong outside of a function's own promise. */
class Child {
  readonly #channel: Channel;
  readonly #context: RunContext | undefined;
  readonly #runs = new Map<number, ChildRun>();
  #last: ChildRun | undefined;
  #started = 0;

  /** Without a context, there is one run at a time. */
  constructor(channel: Channel, context: RunContext | undefined) {
    this.#channel = channel;
    this.#context = context;
    setCurrentJobSource((): CurrentJob | undefined =>
      (context === undefined ? this.#last : context.get())?.currentJob
    );
  }

  listen(): void {
    addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      this.#failUncaught(event.reason, this.#context?.get());
    });
    addEventListener("error", (event) => {
      event.preventDefault();
      // Not by the context: errors thrown in timers are told in that of another one.
      this.#failUncaught(event.error ?? event.message, undefined);
    });
    addEventListener("unload", () => {
      const run = this.#context?.get() ?? this.#only();
      if (run?.isAnswered === true && this.#runs.size === 0) return;
      this.#channel.say("exit", run?.number ?? 0);
    });
    this.#channel.say("ready", 0);
  }

  handle(message: ControlMessage): void {
    switch (message.type) {
      case "preload":
        this.#preload(message.url);
        break;
      case "run": {
        const run = new ChildRun(
          message,
          this.#channel,
          () => this.#runs.delete(message.run),
        );
        this.#runs.set(message.run, run);
        this.#last = run;
        this.#within(run, () => run.start());
        break;
      }
      case "abort": {
        const run = this.#runs.get(message.run);
        if (run === undefined) break;
        this.#channel.say("stopping", message.run);
        // Its listeners are the job's code, too.
        this.#within(run, () => run.abort(message));
        break;
      }
      case "reply":
        this.#runs.get(message.run)?.settle(message);
        break;
    }
  }

  /** All that has come at once is handled; no function has been called yet. */
  handled(): void {
    const last = this.#last;
    if (last === undefined || last.number === this.#started) return;
    this.#started = last.number;
    this.#channel.say("started", last.number);
  }

  #within(run: ChildRun, work: () => void): void {
    if (this.#context === undefined) work();
    else this.#context.enter(run, work);
  }

  async #preload(url: string): Promise<void> {
    if (!await preloadModule(url)) this.#channel.say("unloaded", 0);
  }

  #failUncaught(thrown: unknown, culprit: ChildRun | undefined): void {
    const run = culprit ?? this.#only();
    if (run !== undefined) run.failUncaught(thrown);
    else if (this.#runs.size > 0) this.#channel.say("uncaught", 0);
  }

  /** The run that it must have been, if there is but one. */
  #only(): ChildRun | undefined {
    if (this.#context === undefined) return this.#last;
    const [only] = this.#runs.values();
    return this.#runs.size === 1 ? only : undefined;
  }
}
