/** Behind `queue.watch()`. @module */

import { type JobStatus, statusOfText } from "../job/status.ts";
import { progressOf, type StoredEvent } from "../store/events.ts";
import { dateOf } from "../store/stream_ids.ts";
import type { Context } from "./context.ts";
import { checkWatch, type WatchOptions } from "./watch_options.ts";

/** Something that has happened to a job, and when. */
export interface HappenedToJob {
  /** The job's id. */
  readonly jobId: string;
  /** The name of its queue. */
  readonly queue: string;
  /** When, by the clock of Redis. */
  readonly at: Date;
}

/** A job has another status. */
export interface JobStatusEvent extends HappenedToJob {
  /** Discriminant. */
  readonly type: "status";
  /** The new status; `null` if the job was deleted. */
  readonly status: JobStatus | null;
  /** The worker that has begun or finished it, as far as that is known. */
  readonly workerName?: string;
}

/** A job has reported progress. */
export interface JobProgressEvent extends HappenedToJob {
  /** Discriminant. */
  readonly type: "progress";
  /** From 0 to 1. */
  readonly value: number;
  /** What is being done, if the job said so; a long note is cut. */
  readonly note?: string;
}

/** A job has logged something; {@linkcode Job.logs} has it. */
export interface JobLoggedEvent extends HappenedToJob {
  /** Discriminant. */
  readonly type: "logged";
}

/** Events were missed, by a slow reader or while there was no connection: look at what is watched again. */
export interface MissedEvent {
  /** Discriminant. */
  readonly type: "missed";
}

/** What {@linkcode Queue.watch} tells. */
export type QueueEvent =
  | JobStatusEvent
  | JobProgressEvent
  | JobLoggedEvent
  | MissedEvent;

/** What happens to the jobs of some queues, of all if none are named. */
export async function* watchQueues(
  context: Context,
  queues: readonly string[],
  options: WatchOptions,
): AsyncGenerator<QueueEvent> {
  checkWatch(options, "Cannot watch");
  const { signal } = options;
  signal?.throwIfAborted();
  const wanted = new Set(queues);
  const watcher = await context.events.watch(({ queue }) =>
    wanted.size === 0 || wanted.has(queue)
  );
  const { mailbox } = watcher;
  const onAbort = () => mailbox.fail(signal?.reason);
  signal?.addEventListener("abort", onAbort);
  try {
    signal?.throwIfAborted();
    for (;;) {
      const events = await mailbox.take();
      if (mailbox.takeMissed()) yield { type: "missed" };
      for (const event of events) yield* toldOf(event);
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    watcher[Symbol.dispose]();
  }
}

/** What an entry of the stream tells, job by job. Anybody may have written it: what is unknown tells nothing. */
export function* toldOf(
  event: StoredEvent,
): Generator<JobStatusEvent | JobProgressEvent | JobLoggedEvent> {
  const { id, queue, jobIds, facts } = event;
  const at = dateOf(id);
  for (const jobId of jobIds) {
    const of = { jobId, queue, at };
    if (event.event === "progress") {
      const progress = progressOf(
        facts.get("value") ?? "",
        facts.get("note") ?? "",
      );
      if (progress !== undefined) {
        yield { type: "progress", ...of, ...progress };
      }
      continue;
    }
    if (event.event === "log") {
      yield { type: "logged", ...of };
      continue;
    }
    const isGone = event.event === "deleted";
    const status = isGone ? null : statusOfText(event.event);
    if (!isGone && status === null) continue;
    const workerName = facts.get("worker");
    yield {
      type: "status",
      ...of,
      status,
      ...(workerName === undefined ? {} : { workerName }),
    };
  }
}
