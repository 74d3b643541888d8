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
import { type LogLine, readLog } from "../store/log_lines.ts";
import { isLater } from "../store/stream_ids.ts";
import type { Context } from "./context.ts";
import { noSuchJob } from "./wait.ts";
import { checkWatch, type WatchOptions } from "./watch_options.ts";
import {
  type HappenedToJob,
  type JobProgressEvent,
  type JobStatusEvent,
  toldOf,
} from "./watch_queue.ts";

/** How long it waits for an event until it looks at the job, in milliseconds. */
const LOOK_MS = 1_000;

/** How long, in milliseconds, it waits for the events before what it has seen: these are told first. */
const FOLLOW_MS = 50;

/** What {@linkcode Job.watch} tells. */
export type JobEvent = JobStatusEvent | JobProgressEvent | JobLogEvent;

/** A line of a job's log. */
export interface JobLogEvent extends HappenedToJob, LogLine {
  /** Discriminant. */
  readonly type: "log";
  /** When it was stored, by the clock of Redis. */
  readonly at: Date;
}

/** What happens to a job, until it has ended. */
export async function* watchJob(
  context: Context,
  { id, queue }: { readonly id: string; readonly queue: string },
  options: WatchOptions,
): AsyncGenerator<JobEvent> {
  checkWatch(options, `Cannot watch job "${id}"`);
  const { signal } = options;
  signal?.throwIfAborted();
  const watcher = await context.events.watch(({ jobIds }) =>
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
    const log = new LogReader(context, { id, queue });
    yield* withLog(told.compare(first), log, true);
    let look: WatchedJob | undefined;
    while (!told.isOver) {
      const { position } = context.events; // what was read by now is in the mailbox, and taken
      const events = await mailbox.take(look ? FOLLOW_MS : LOOK_MS);
      const isMissing = mailbox.takeMissed();
      for (const event of events) {
        if (look && isLater(event.id, look.lastId)) {
          yield* withLog(told.compare(look), log, isMissing);
          look = undefined;
        }
        if (told.isOver) break;
        yield* withLog(told.take(event), log, event.event === "log");
      }
      if (look && !isLater(look.lastId, position)) {
        if (!told.isOver) yield* withLog(told.compare(look), log, true);
        look = undefined;
      } else if (isMissing || look === undefined && events.length === 0) {
        look = await lookAtJob(context.store, id);
      }
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    watcher[Symbol.dispose]();
  }
}

/** Tells events, and what is new in the log: before the end of the job in any case, else if it is said to have more. */
async function* withLog(
  events: Iterable<JobEvent>,
  log: LogReader,
  hasMore: boolean,
): AsyncGenerator<JobEvent> {
  for (const event of events) {
    const isEnd = event.type === "status" &&
      (event.status === null || hasEnded(event.status));
    if (isEnd) yield* log.read();
    yield event;
  }
  if (hasMore) yield* log.read();
}

/** Reads a job's log from where it was read last. */
class LogReader {
  readonly #context: Context;
  readonly #of: { readonly id: string; readonly queue: string };
  #after = "0-0";

  constructor(context: Context, of: { id: string; queue: string }) {
    this.#context = context;
    this.#of = of;
  }

  /** Tells the lines that are new. */
  async *read(): AsyncGenerator<JobLogEvent> {
    const { id: jobId, queue } = this.#of;
    const pages = readLog(this.#context.store, jobId, this.#after);
    for await (const page of pages) {
      for (const [entryId, line] of page) {
        this.#after = entryId;
        yield { type: "log", jobId, queue, ...line };
      }
    }
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
  *take(
    event: StoredEvent,
  ): Generator<JobStatusEvent | JobProgressEvent> {
    if (!isLater(event.id, this.#since)) return;
    for (const told of toldOf(event)) {
      if (told.jobId !== this.#of.jobId || told.type === "logged") continue;
      if (told.type === "status") this.#status = told.status;
      else this.#progress = progressIn(told);
      yield told;
    }
  }

  /** Tells what was seen, as far as it is new. */
  *compare(look: WatchedJob): Generator<JobStatusEvent | JobProgressEvent> {
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
