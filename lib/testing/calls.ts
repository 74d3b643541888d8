/**
 * The calls of a job that runs in this process, which a worker would perform.
 *
 * @module
 */

import { encodeJson } from "../job/json.ts";
import { parseFuncRef } from "../job/func_ref.ts";
import { type MetaPatch, patched } from "../job/meta.ts";
import { findNamed } from "../job/static_method.ts";
import type { JobFunction } from "../job/stored.ts";
import { placeOf, rememberName } from "../queue/func_name.ts";
import { Queue } from "../queue/queue.ts";
import { shareContext } from "../queue/stored_queue.ts";
import type { WorkerCalls } from "../runner/current_job.ts";
import { stepField } from "../job/steps.ts";
import type { EnqueueRequest, StepCall } from "../runner/runner.ts";
import { callOf } from "../worker/job_host.ts";
import { reportOf } from "../worker/parents.ts";
import type { MemoryContext } from "./memory_context.ts";
import type { MemoryJob } from "./memory_job.ts";
import type { Target } from "./run_here.ts";

/** Performs the calls of one run on a job in memory. */
export class MemoryCalls implements WorkerCalls {
  readonly #job: MemoryJob;
  readonly #context: MemoryContext;
  readonly #target: Target;
  readonly #signals: Readonly<Record<string, unknown>>;
  /** What the job has yielded, as JSON. */
  readonly parts: string[] = [];
  readonly #pending = new Set<Promise<unknown>>();
  /** The lines that the job has logged. */
  readonly logged: string[] = [];

  /** For one run of a job, which gets these signals. */
  constructor(
    job: MemoryJob,
    context: MemoryContext,
    target: Target,
    signals: Readonly<Record<string, unknown>> = {},
  ) {
    this.#job = job;
    this.#context = context;
    this.#target = target;
    this.#signals = signals;
  }

  /** Adds a job to the same store; resolves to its id. */
  enqueue(request: EnqueueRequest): Promise<string> {
    return this.#track(this.#enqueue(request));
  }

  /** What became of the job's parents, as JSON. */
  async parents(): Promise<string> {
    const { store } = this.#context;
    const reports = this.#job.parents.map(async (id) =>
      reportOf(id, await store.state(id))
    );
    return JSON.stringify(await Promise.all(reports));
  }

  /** Merges a patch into the job's `meta`. */
  async saveMeta(patch: MetaPatch): Promise<void> {
    await Promise.resolve();
    const meta = patched(this.#job.record.meta, patch);
    this.#job.set({ meta: encodeJson(meta, "meta", { bigInts: true }) });
  }

  /** Stores the job's progress. */
  async saveProgress(value: number, note: string | undefined): Promise<void> {
    await Promise.resolve();
    this.#job.set({ x_progress: value, x_progress_note: note ?? "" });
  }

  /** Does what a step asks for. A sleep takes no time, and so does a wait for a signal that never comes. */
  async steps(call: StepCall): Promise<string> {
    await Promise.resolve();
    switch (call.method) {
      case "step": {
        const kept = this.#job.record.kept(stepField(call.name));
        return kept === undefined ? "" : `=${kept}`;
      }
      case "keepStep":
        this.#job.set({ [stepField(call.name)]: call.value });
        return "";
      case "sleep":
        return "over";
      case "waitFor":
        return this.#signal(call.name, call.seconds);
    }
  }

  #signal(name: string, seconds: number | undefined): string {
    if (Object.hasOwn(this.#signals, name)) {
      const value = this.#signals[name];
      const label = `the value of signal "${name}"`;
      return value === undefined ? "=" : `=${encodeJson(value, label)}`;
    }
    if (seconds !== undefined) return "over";
    throw new Error(
      `Cannot wait for the signal "${name}": it would never come; give it in the "signals" of runJob()`,
    );
  }

  /** Keeps what the job has yielded. */
  async emit(parts: readonly string[]): Promise<void> {
    await Promise.resolve();
    this.parts.push(...parts);
  }

  /** Keeps what the job logs. */
  log(text: string): void {
    this.logged.push(...text.split("\n"));
  }

  /** Waits for the calls that the job has not awaited, as a worker does before it records the job's end. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  async #enqueue(request: EnqueueRequest): Promise<string> {
    const { queue: name = this.#job.origin } = request;
    this.#remember(request.func);
    const { client, bigInts } = this.#context;
    const queue = new Queue(name, { connection: client, bigInts });
    shareContext(queue, this.#context);
    return (await queue.enqueueCall(callOf(request))).id;
  }

  #track<T>(call: Promise<T>): Promise<T> {
    this.#pending.add(call);
    const done = () => this.#pending.delete(call);
    call.then(done, done);
    return call;
  }

  /** A function of the job's own module is known by its name from now on, as if it had been looked for. */
  #remember(name: string): void {
    const own = this.#job.record.call.funcName;
    const place = placeOf(own);
    const ref = parseFuncRef(name);
    if (place === undefined || moduleOf(name) !== moduleOf(own)) return;
    const found = findNamed(this.#target.module, ref.exportName);
    if (found.type !== "found" || typeof found.value !== "function") return;
    const { exportName } = ref;
    rememberName(found.value as JobFunction, name, {
      url: place.url,
      exportName,
    });
  }
}

/** The module in a reference. */
function moduleOf(name: string): string {
  const ref = parseFuncRef(name);
  return ref.kind === "dotted" ? ref.modulePath : ref.specifier;
}
