/**
 * What a worker tells the program that embeds it.
 *
 * @module
 */

import { Mailbox } from "../base/mailbox.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import type { EndReply, Execution } from "../store/worker_types.ts";

/** A run of a job, as events tell of it. */
export interface RunFacts {
  /** The job's id. */
  readonly jobId: string;
  /** The queue that it was taken from. */
  readonly queue: string;
  /** The function reference, as stored; absent if it cannot be read. */
  readonly funcName?: string;
  /** The id of this run. */
  readonly executionId: string;
  /** Which start of the job it is, counted from 1. */
  readonly attempt: number;
}

/**
 * Something that has happened in a worker:
 *
 * - `listening`: it has begun to take jobs
 * - `claimed`: a job is its own, and waits for a process if it was claimed ahead of time
 * - `started`: it is begun
 * - `ended`: how that ended is recorded; see {@linkcode RunOutcome}
 * - `disconnected`, `connected`: the connection to Redis is lost, and there again
 * - `stopping`: it takes no more jobs; `cold` if those that run are killed
 * - `missed`: whoever reads the events was too slow for some
 */
export type WorkerEvent =
  | { readonly type: "listening" | "disconnected" | "connected" | "missed" }
  | { readonly type: "stopping"; readonly cold: boolean }
  | RunFacts & { readonly type: "claimed" | "started" }
  | RunFacts & {
    readonly type: "ended";
    readonly outcome: RunOutcome;
    /** How long it ran, in milliseconds; 0 if it was not begun. */
    readonly durationMs: number;
  };

/**
 * What became of a job whose run has ended: it has `finished`, `failed`, was `stopped`; is tried again, at once (`retried`) or
 * later (`scheduled`); sleeps (`asleep`); was put back, after it was begun (`requeued`) or before (`released`); or nothing was
 * recorded, since another worker has it by now (`lost`), it was deleted (`gone`), or its queue cannot take it (`stuck`).
 */
export type RunOutcome = EndReply;

/** Options of {@linkcode Worker.events}. */
export interface WorkerEventsOptions {
  /** Ends the iteration, which throws its reason. The worker goes on. */
  readonly signal?: AbortSignal;
}

const OPTIONS = optionNames<WorkerEventsOptions>({ signal: true });

/** Tells events to those who follow them; while nobody does, that costs nothing. */
export class WorkerEvents {
  readonly #mailboxes = new Set<Mailbox<WorkerEvent>>();
  #isOver = false;

  /** Tells a job's claim or start. */
  tellRun(type: "claimed" | "started", execution: Execution): void {
    if (this.#mailboxes.size > 0) this.tell({ type, ...factsOf(execution) });
  }

  /** Tells how a run ended. */
  tellEnd(execution: Execution, outcome: RunOutcome, durationMs: number): void {
    if (this.#mailboxes.size === 0) return;
    this.tell({ type: "ended", ...factsOf(execution), outcome, durationMs });
  }

  /** Tells anything. */
  tell(event: WorkerEvent): void {
    for (const mailbox of this.#mailboxes) mailbox.add(event);
  }

  /** Ends all iterations, once they have come to the last event. */
  end(): void {
    this.#isOver = true;
    for (const mailbox of this.#mailboxes) mailbox.close();
  }

  /** Follows the events from now on. */
  follow(options: WorkerEventsOptions): AsyncIterableIterator<WorkerEvent> {
    refuseUnknown(options, OPTIONS, "Cannot follow the worker's events");
    const mailbox = new Mailbox<WorkerEvent>();
    if (this.#isOver) mailbox.close();
    this.#mailboxes.add(mailbox);
    return this.#read(mailbox, options.signal);
  }

  async *#read(
    mailbox: Mailbox<WorkerEvent>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<WorkerEvent> {
    const onAbort = () => mailbox.fail(signal?.reason);
    signal?.addEventListener("abort", onAbort);
    try {
      signal?.throwIfAborted();
      while (!mailbox.isOver) {
        const events = await mailbox.take();
        if (mailbox.takeMissed()) yield { type: "missed" };
        yield* events;
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#mailboxes.delete(mailbox);
    }
  }
}

function factsOf({ id, queue, job }: Execution): RunFacts {
  const attempt = job.integer("x_attempts") ?? 1;
  const facts = { jobId: job.id, queue, executionId: id, attempt };
  try {
    return { ...facts, funcName: job.call.funcName };
  } catch {
    return facts; // its data cannot be read, which is why it fails
  }
}
