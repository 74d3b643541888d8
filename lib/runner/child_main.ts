/**
 * What the subprocess does: it says that it is ready, waits for jobs, runs them,
 * answers, and waits to be killed.
 *
 * It does not end by itself after the answer, so that its process group's id
 * stays its own until the worker has killed the whole group.
 *
 * @module
 */

import {
  mapDelete,
  mapGet,
  mapSet,
  mapSize,
  uncurryThis,
} from "../base/primordials.ts";
import { Channel } from "./child_channel.ts";
import { ControlReader, exitNow, shieldStdio } from "./child_io.ts";
import { ChildRun } from "./child_run.ts";
import type { CurrentJob } from "./current.ts";
import { setCurrentJobSource } from "./current_job.ts";
import { preloadModule, REHEARSAL_URL } from "./child_job.ts";
import { describeThrown } from "./describe_error.ts";
import { decodeJson } from "../job/json.ts";
import {
  type ControlMessage,
  encodeRun,
  type HelloMessage,
  type RunMessage,
} from "./protocol.ts";

const preventDefault = uncurryThis(Event.prototype.preventDefault);

/** Serves jobs. Returns at once; the process ends when the worker wants it to. */
export function runChild(): void {
  const reader = new ControlReader();
  const hello = reader.readHello();
  shieldStdio(reader.isStdin);
  const channel = new Channel(hello);
  if (hello.isolation === "process") serve(new Child(channel), reader);
  else {
    runContext().then((context) => serve(new Child(channel, context), reader))
      .catch(() => exitNow(1));
  }
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

/**
 * With several runs side by side, or one after the other, whose code it is depends on who asks. It knows runs by
 * their numbers only: a job may replace the storage's methods.
 */
async function runContext(): Promise<RunContext> {
  const { AsyncLocalStorage } = await import("node:async_hooks");
  const storage = new AsyncLocalStorage<number>();
  const enter = uncurryThis(storage.run) as (
    self: typeof storage,
    run: number,
    work: () => void,
  ) => void;
  const get = uncurryThis(storage.getStore);
  return {
    enter: (run, work) => enter(storage, run, work),
    get: () => get(storage),
  };
}

/** Tells which run the code that asks belongs to. */
interface RunContext {
  /** Does something as a part of a run. */
  enter(run: number, work: () => void): void;
  /** The number of the run, if it is known. */
  get(): number | undefined;
}

/** The process: its pipes, and what goes wrong outside of a function's own promise. */
class Child {
  readonly #channel: Channel;
  readonly #context: RunContext | undefined;
  readonly #runs = new Map<number, ChildRun>();
  #last: ChildRun | undefined;
  #started = 0;
  #isLate = false;

  /** Without a context, there is one run in all. */
  constructor(channel: Channel, context?: RunContext) {
    this.#channel = channel;
    this.#context = context;
    setCurrentJobSource((): CurrentJob | undefined => {
      const run = context === undefined ? this.#last : this.#run(context.get());
      return run?.currentJob;
    });
  }

  listen(): void {
    addEventListener("unhandledrejection", (event) => {
      preventDefault(event);
      this.#failUncaught(event.reason, this.#context?.get());
    });
    addEventListener("error", (event) => {
      preventDefault(event);
      // Not by the context: errors thrown in timers are told in none, or in that of another one.
      this.#failUncaught(event.error ?? event.message, undefined);
    });
    addEventListener("unload", () => {
      const culprit = this.#context?.get() ?? this.#only();
      const isAnswered = culprit === undefined ||
        this.#run(culprit) === undefined;
      if (isAnswered && mapSize(this.#runs) === 0) return;
      this.#channel.say("exit", culprit ?? 0);
    });
    this.#channel.say("ready", 0);
  }

  handle(message: ControlMessage): void {
    switch (message.type) {
      case "preload":
        this.#preload(message.url);
        break;
      case "run": {
        const { run: number } = message;
        const run = new ChildRun(
          message,
          this.#channel,
          () => mapDelete(this.#runs, number),
        );
        mapSet(this.#runs, number, run);
        this.#last = run;
        this.#within(number, () => run.start());
        break;
      }
      case "abort": {
        const run = mapGet(this.#runs, message.run);
        if (run === undefined) break;
        this.#channel.say("stopping", message.run);
        // Its listeners are the job's code, too.
        this.#within(message.run, () => run.abort(message));
        break;
      }
      case "reply":
        mapGet(this.#runs, message.run)?.settle(message);
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

  #run(number: number | undefined): ChildRun | undefined {
    return number === undefined ? undefined : mapGet(this.#runs, number);
  }

  #within(run: number, work: () => void): void {
    if (this.#context === undefined) work();
    else this.#context.enter(run, work);
  }

  async #preload(url: string): Promise<void> {
    if (!await preloadModule(url)) this.#channel.say("unloaded", 0);
  }

  /** An error of a run that has answered is nobody's: it must not fail one that runs now. */
  #failUncaught(thrown: unknown, culprit: number | undefined): void {
    const number = culprit ?? this.#only();
    const run = this.#run(number);
    if (run !== undefined) run.failUncaught(thrown);
    else if (this.#context === undefined || this.#last === undefined) return;
    else if (number === undefined && mapSize(this.#runs) > 0) {
      this.#channel.say("uncaught", 0);
    } else if (!this.#isLate) {
      this.#isLate = true; // the process ends now, and need not say so twice
      const { message } = describeThrown("error", thrown);
      this.#channel.say("late", number ?? 0, message);
    }
  }

  /** The number of the run that it must have been, if there has been but one. */
  #only(): number | undefined {
    return this.#last?.number === 1 ? 1 : undefined;
  }
}
