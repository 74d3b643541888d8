/**
 * Behind `job.watch()`.
 *
 * Events tell what happens to a job. Each second without one, and whenever some were missed, the job is looked at: Python's
 * programs write no events, and nobody tells when a hash expires.
 *
 * @module
 */

import type { JobProgress } from "../job/record.ts";
import { hasEnded, type JobStatus, statusOfText } from "../job/status.ts";
import {
  lookAtJob,
  type StoredEvent,
  type WatchedJob,
} from "../store/events.ts";
import { isLater } from "../store/stream_ids.ts";
import type { Context } from "./context.ts";
import { noSuchJob } from "./wait.ts";
import { checkWatch, type WatchOptions } from "./watch_options.ts";
import {
  type JobProgressEvent,
  type JobStatusEvent,
  toldOf,
} from "./watch_queue.ts";

/** How long it waits for an event until it looks at the job, in milliseconds. */
const LOOK_MS = 1_000;

/** How long, in milliseconds, it waits for the events before what it has seen: these are told first. */
const FOLLOW_MS = 50;

/** What {@linkcode Job.watch} tells. */
export type JobEvent = JobStatusEvent | JobProgressEvent;

/** What happens to a job, until it has ended. */
export async function* watchJob(
  context: Context,
  { id, queue }: { readonly id: string; readonly queue: string },
  options: WatchOptions,
): AsyncGenerator<JobEvent> {
  checkWatch(options, `Cannot watch job "${id}"`);
  const { signal } = options;
  signal?.throwIfAborted();
  using watcher = await context.events.watch(({ jobIds }) =>
    jobIds.includes(id)
  );
  const { mailbox } = watcher;
  const onAbort = () => mailbox.fail(signal?.reason);
  signal?.addEventListener("abort", onAbort);
  try {
    signal?.throwIfAborted();
    const first = await lookAtJob(context.store, id);
    if (!first.exists) throw noSuchJob(id);
    const told = new Told(id, queue, first.lastId);
    yield* told.compare(first);
    let look: WatchedJob | undefined;
    while (!told.isOver) {
      const events = await mailbox.take(look ? FOLLOW_MS : LOOK_MS);
      const isMissing = mailbox.takeMissed();
      for (const event of events) {
        if (look && isLater(event.id, look.lastId)) {
          yield* told.compare(look);
          look = undefined;
        }
        if (!told.isOver) yield* told.take(event);
      }
      if (look && !isLater(look.lastId, context.events.position)) {
        if (!told.isOver) yield* told.compare(look);
        look = undefined;
      } else if (isMissing || look === undefined && events.length === 0) {
        look = await lookAtJob(context.store, id);
      }
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

/** What was told of a job, so that what is seen of it is told only if it is new. */
class Told {
  readonly #of: { readonly jobId: string; readonly queue: string };
  /** Events up to this one are contained in the first look. */
  readonly #since: string;
  #status: JobStatus | null | undefined;
  #progress: JobProgress | undefined;

  constructor(jobId: string, queue: string, since: string) {
    this.#of = { jobId, queue };
    this.#since = since;
  }

  /** Whether the job has ended, or is gone. */
  get isOver(): boolean {
    return this.#status === null ||
      this.#status !== undefined && hasEnded(this.#status);
  }

  /** Tells an event. */
  *take(event: StoredEvent): Generator<JobEvent> {
    if (!isLater(event.id, this.#since)) return;
    for (const told of toldOf(event)) {
      if (told.jobId !== this.#of.jobId) continue;
      if (told.type === "status") this.#status = told.status;
      else this.#progress = progressIn(told);
      yield told;
    }
  }

  /** Tells what was seen, as far as it is new. */
  *compare(look: WatchedJob): Generator<JobEvent> {
    const { at, exists, progress, workerName } = look;
    const status = exists ? statusOfText(look.status) : null;
    const isKnown = !exists || status !== null; // a status of another program's tells nothing
    if (progress !== undefined && !isSame(progress, this.#progress)) {
      this.#progress = progress;
      yield { type: "progress", ...this.#of, at, ...progress };
    }
    if (!isKnown || status === this.#status) return;
    this.#status = status;
    const worker = status === "started" ? workerName : undefined;
    yield {
      type: "status",
      ...this.#of,
      at,
      status,
      ...(worker === undefined ? {} : { workerName: worker }),
    };
  }
}

function progressIn({ value, note }: JobProgressEvent): JobProgress {
  return note === undefined ? { value } : { value, note };
}

/** Whether it is the same progress, the note of one of which may be cut. */
function isSame(seen: JobProgress, told: JobProgress | undefined): boolean {
  if (seen.value !== told?.value) return false;
  const { note = "" } = told;
  return note === (seen.note ?? "") ||
    note.endsWith("…") && (seen.note ?? "").startsWith(note.slice(0, -1));
}
