/**
 * The main loop of the subprocess: it reports that it is ready, waits for jobs, runs
 * them, answers, and waits to be killed.
 *
 * It does not exit by itself after the answer: while it lives, its process group's id
 * cannot be reused, and the worker can kill the whole group safely.
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
import { jobInEnvironment } from "./child_env.ts";
import { ControlReader, exitNow, shieldStdio } from "./child_io.ts";
import type { Hooks } from "./child_hooks.ts";
import { ChildRun } from "./child_run.ts";
import type { RunningJob } from "./current_job.ts";
import { preloadModule, REHEARSAL_URL } from "./child_job.ts";
import { describeThrown } from "./describe_error.ts";
import { decodeJson } from "../job/json.ts";
import {
  type ControlMessage,
  encodeRun,
  type HelloMessage,
  type RunMessage,
} from "./protocol.ts";

/** The same as in `current_job.ts`, which the subprocess does not load. */
const CURRENT = Symbol.for("deno-rq.current");

const preventDefault = uncurryThis(Event.prototype.preventDefault);

/** Starts to serve jobs. Returns at once; the worker ends the process. */
export function runChild(): void {
  const reader = new ControlReader();
  const hello = reader.readHello();
  shieldStdio(reader.isStdin);
  const channel = new Channel(hello);
  const showJob = jobInEnvironment(hello.isolation);
  if (hello.isolation === "process" && hello.hooks === undefined) {
    serve(new Child(channel, { showJob }), reader);
  } else {
    // An error ends the process before it is ready, and the worker reads it on stderr.
    void equip(hello).then((equipment) =>
      serve(new Child(channel, { ...equipment, showJob }), reader)
    );
  }
  rehearse(hello);
}

/** What most processes do without. */
interface Equipment {
  /** In a process that serves several jobs. */
  readonly context?: RunContext | undefined;
  /** What runs around the jobs, if anything does. */
  readonly hooks?: Hooks;
  /** Puts a job's id into the environment. */
  readonly showJob?: ((jobId: string) => void) | undefined;
}

/** @throws {Error} If a module of hooks cannot be loaded. */
async function equip({ isolation, hooks }: HelloMessage): Promise<Equipment> {
  const context = isolation === "process" ? undefined : await runContext();
  if (hooks === undefined) return { context };
  const { loadHooks } = await import("./child_hooks.ts");
  return { context, hooks: await loadHooks(hooks) };
}

/**
 * Runs a dummy job, without output, before the first job. What Deno compiles and loads on
 * first use took a fifth of the time of a short first job.
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
 * Tracks, by `AsyncLocalStorage`, which run the current code belongs to, in a process that serves several. It stores
 * only the numbers of runs, since a job may replace the storage's methods.
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

/** Knows which run the current code belongs to. */
interface RunContext {
  /** Calls a function as a part of a run. */
  enter(run: number, work: () => void): void;
  /** The number of the current run, if it is known. */
  get(): number | undefined;
}

/** The process: its pipes, its runs, and errors outside a job function's own promise. */
class Child {
  readonly #channel: Channel;
  readonly #context: RunContext | undefined;
  readonly #hooks: Hooks | undefined;
  readonly #showJob: ((jobId: string) => void) | undefined;
  readonly #runs = new Map<number, ChildRun>();
  #last: ChildRun | undefined;
  #started = 0;
  #isLate = false;

  /** Without a context, the process serves a single run. */
  constructor(channel: Channel, { context, hooks, showJob }: Equipment) {
    this.#channel = channel;
    this.#context = context;
    this.#hooks = hooks;
    this.#showJob = showJob;
    const running = (): RunningJob | undefined => {
      const run = context === undefined ? this.#last : this.#run(context.get());
      return run?.running;
    };
    Object.defineProperty(globalThis, CURRENT, { value: running });
  }

  listen(): void {
    addEventListener("unhandledrejection", (event) => {
      preventDefault(event);
      this.#failUncaught(event.reason, this.#context?.get());
    });
    addEventListener("error", (event) => {
      preventDefault(event);
      // Not by the context: for errors thrown in timers, it is missing or another run's.
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
          this.#hooks,
        );
        mapSet(this.#runs, number, run);
        this.#last = run;
        this.#showJob?.(message.job.request.jobId);
        this.#within(number, () => run.start());
        break;
      }
      case "abort": {
        const run = mapGet(this.#runs, message.run);
        if (run === undefined) break;
        this.#channel.say("stopping", message.run);
        // The signal's listeners are the job's code too.
        this.#within(message.run, () => run.abort(message));
        break;
      }
      case "reply":
        mapGet(this.#runs, message.run)?.settle(message);
        break;
    }
  }

  /** All messages of one read have been handled; no job's function has been called yet. */
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

  /** Fails the run that an unhandled error belongs to. An error of a run that has answered must not fail another. */
  #failUncaught(thrown: unknown, culprit: number | undefined): void {
    const number = culprit ?? this.#only();
    const run = this.#run(number);
    if (run !== undefined) run.failUncaught(thrown);
    else if (this.#context === undefined || this.#last === undefined) return;
    else if (number === undefined && mapSize(this.#runs) > 0) {
      this.#channel.say("uncaught", 0);
    } else if (!this.#isLate) {
      this.#isLate = true; // report it once: the worker ends the process
      const { message } = describeThrown("error", thrown);
      this.#channel.say("late", number ?? 0, message);
    }
  }

  /** The number of the only run, if there has been no other. */
  #only(): number | undefined {
    return this.#last?.number === 1 ? 1 : undefined;
  }
}
