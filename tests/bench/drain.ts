/**
 * How fast workers run what is queued. The jobs are counted that have reached
 * their end in Redis, from a process that does nothing else; the rate is the slope between
 * 5 % and 95 % of them, so that neither start-up nor shutdown is in it.
 */

import { Child } from "./children.ts";
import { type Context, sleep } from "./context.ts";
import { forestStats, type TreeStats } from "./process_stats.ts";
import {
  commandsBetween,
  microsBetween,
  readServer,
  type ServerStats,
} from "./server_stats.ts";
import type { Isolation, System } from "./systems.ts";

/** What is drained. */
export interface DrainOptions {
  readonly isolation: Isolation;
  readonly concurrency: number;
  /** Jobs after which the workers are stopped; as many are queued, or more. */
  readonly jobs: number;
}

/** What was seen. */
export interface Drain {
  readonly perSecond: number;
  /** Milliseconds from the start of the workers to the first finished job. */
  readonly startMs: number;
  readonly workerMicros: number | undefined;
  readonly serverMicros: number;
  /** Microseconds inside scripts; inside commands, of a system without scripts. */
  readonly commandMicros: number;
  readonly commands: number;
  readonly workerBytes: number | undefined;
  readonly childBytes: number | undefined;
}

/** Milliseconds without another finished job after which it is given up. */
const STALL_MS = 15_000;
const MEMORY_EVERY_MS = 100;
const STOP_MS = 5_000;

/** What was the case at a moment. */
interface Mark {
  readonly done: number;
  readonly at: number;
  readonly server: ServerStats;
  readonly tree: TreeStats | undefined;
}

/** Starts workers on a queue that is filled, measures, and stops them. */
export async function drain(
  system: System,
  context: Context,
  options: DrainOptions,
): Promise<Drain> {
  const programs = system.workers(options.isolation, options.concurrency);
  const stderr = context.verbose ? "inherit" : "null";
  const started = performance.now();
  await using children = new AsyncDisposableStack();
  const workers = programs.map((program) =>
    children.use(new Child(program, { stdin: "null", stdout: "null", stderr }))
  );
  const seen = await watch(system, context, options, workers);
  await Promise.all(workers.map((worker) => worker.stop(STOP_MS)));
  return {
    ...between(seen.from, seen.to),
    startMs: seen.first - started,
    ...seen.memory,
  };
}

/** Waits until so many jobs have finished, or throws if nothing moves on. */
async function watch(
  system: System,
  context: Context,
  { jobs }: DrainOptions,
  workers: readonly Child[],
) {
  const pids = workers.map(({ process }) => process.pid);
  const memory = new MemoryWatch(pids);
  const progress = new Progress(workers);
  const began = performance.now();
  let first: number | undefined;
  let from: Mark | undefined;
  let to: Mark | undefined;
  for (;;) {
    const done = await context.probe.number("ZCARD", system.finishedKey);
    progress.check(done);
    memory.look();
    if (done > 0) first ??= performance.now();
    if (done >= jobs * 0.05) from ??= await mark(done, context, pids);
    if (done >= jobs * 0.95) to ??= await mark(done, context, pids);
    if (done >= jobs && first && from && to) {
      return { first, from, to, memory: memory.peak() };
    }
    await sleep(pauseAfter(performance.now() - began));
  }
}

/** Looks are rare in a long drain, so that they cost it nothing: a count and its time belong together anyway. */
function pauseAfter(ms: number): number {
  return Math.max(3, Math.min(25, ms / 100));
}

/** Notices that nothing moves on. */
class Progress {
  readonly #workers: readonly Child[];
  #done = -1;
  #at = 0;

  constructor(workers: readonly Child[]) {
    this.#workers = workers;
  }

  check(done: number): void {
    const now = performance.now();
    if (done !== this.#done) {
      this.#done = done;
      this.#at = now;
      return;
    }
    const state = this.#workers.some(({ ended }) => ended)
      ? "a worker has ended"
      : now - this.#at > STALL_MS
      ? `nothing finished in ${STALL_MS / 1_000} seconds`
      : undefined;
    if (state === undefined) return;
    throw new Error(`Cannot drain the queue: ${state}, after ${done} jobs`);
  }
}

/** The most memory that was seen. */
class MemoryWatch {
  readonly #pids: readonly number[];
  #next = 0;
  #worker = 0;
  #child = 0;

  constructor(pids: readonly number[]) {
    this.#pids = pids;
  }

  look(): void {
    if (performance.now() < this.#next) return;
    this.#next = performance.now() + MEMORY_EVERY_MS;
    const stats = forestStats(this.#pids);
    this.#worker = Math.max(this.#worker, stats?.residentBytes ?? 0);
    this.#child = Math.max(this.#child, stats?.largestChildBytes ?? 0);
  }

  peak(): Pick<Drain, "workerBytes" | "childBytes"> {
    return {
      workerBytes: this.#worker || undefined,
      childBytes: this.#child || undefined,
    };
  }
}

/** The count is that of the moment before: reading the rest takes a millisecond or two. */
async function mark(
  done: number,
  { probe }: Context,
  pids: readonly number[],
): Promise<Mark> {
  const at = performance.now();
  const tree = forestStats(pids);
  return { done, at, server: await readServer(probe), tree };
}

function between(from: Mark, to: Mark) {
  const jobs = to.done - from.done;
  if (jobs <= 0) {
    throw new Error(
      "Cannot tell the rate: all jobs finished between two looks",
    );
  }
  const micros = (seconds: number) => seconds * 1e6 / jobs;
  return {
    perSecond: jobs * 1_000 / (to.at - from.at),
    workerMicros: from.tree && to.tree
      ? micros(to.tree.cpuSeconds - from.tree.cpuSeconds)
      : undefined,
    serverMicros: micros(to.server.cpuSeconds - from.server.cpuSeconds),
    commandMicros: microsBetween(from.server, to.server) / jobs,
    commands: commandsBetween(from.server, to.server) / jobs,
  };
}
