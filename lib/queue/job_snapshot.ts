/**
 * The facts of a job of the public API.
 *
 * @module
 */

import { heldCall } from "../job/codec.ts";
import type { DecidedBy, JobProgress, JobRecord } from "../job/record.ts";
import { type JobStatus, statusOfText } from "../job/status.ts";
import { type StoppedBy, stoppedBy } from "../job/stopped.ts";
import { signalsOfText } from "../job/steps.ts";
import { tagsOfText } from "../job/tags.ts";
import { type JobDict, jobDict } from "./job_dict.ts";

/** Replaces what a job shows by what was read now. Internal to this folder. */
export let showRecord: (job: JobSnapshot, record: JobRecord) => void;

/** What a job shows. Internal to this folder. */
export let shownRecord: (job: JobSnapshot) => JobRecord;

/** A job as it was last read. It is made as a {@linkcode Job}. */
export abstract class JobSnapshot {
  /** The job's id. */
  readonly id: string;
  /**
   * Whether the call that gave this job has made it: not if it was fetched, and not if its `unique` key was taken and
   * `ifTaken` is `skip` or `debounce`. Then this is the job that holds the key.
   */
  readonly isNew: boolean;
  readonly #bigInts: boolean;
  readonly #read: () => JobRecord;
  #record: JobRecord | undefined;

  static {
    showRecord = (job, record) => job.#record = record;
    shownRecord = (job) => job.#data;
  }

  /** Internal. Use {@linkcode Queue.enqueue} or {@linkcode Job.fetch}. */
  protected constructor(
    id: string,
    read: unknown,
    { isNew, bigInts }: { isNew: boolean; bigInts: boolean },
  ) {
    this.id = id;
    this.isNew = isNew;
    this.#bigInts = bigInts;
    this.#read = read as () => JobRecord;
  }

  get #data(): JobRecord {
    return this.#record ??= this.#read();
  }

  /** The job's id. The same as {@linkcode Job.id}, under RQ's name. */
  getId(): string {
    return this.id;
  }
  /** The status as it was when the job was read, or `null` if it was gone; {@linkcode Job.getStatus} asks for it now. */
  get status(): JobStatus | null {
    const record = this.#data;
    return record.has("data")
      ? statusOfText(record.text("status") ?? null)
      : null;
  }
  /** Whose job it is, if it was said; see `JobOptions.fairKey`. */
  get fairKey(): string | undefined {
    return this.#data.text("x_fair_key");
  }
  /** The name of its queue. */
  get origin(): string {
    return this.#data.text("origin") ?? "";
  }
  /** What log lines and dashboards show. */
  get description(): string {
    return this.#data.description;
  }
  /** The function reference, as stored. */
  get funcName(): string {
    return this.#data.call.funcName;
  }
  /** Positional arguments. */
  get args(): readonly unknown[] {
    return heldCall(this.#data.call, this.#bigInts).args;
  }
  /** Keyword arguments. */
  get kwargs(): Readonly<Record<string, unknown>> {
    return heldCall(this.#data.call, this.#bigInts).kwargs;
  }
  /** Longest run in seconds, `-1` for no limit. */
  get timeout(): number {
    return this.#data.timeout;
  }
  /** How many seconds the result is kept, or `null` for the worker's default. */
  get resultTtl(): number | null {
    return this.#data.integer("result_ttl") ?? null;
  }
  /** How many seconds the failed job is kept, or `null` for a year. */
  get failureTtl(): number | null {
    return this.#data.integer("failure_ttl") ?? null;
  }
  /** How many seconds it may wait in its queue, or `null` for any time. */
  get ttl(): number | null {
    return this.#data.integer("ttl") ?? null;
  }
  /** How often it is tried again if it fails; `null` if no retry was asked for. */
  get retriesLeft(): number | null {
    return this.#data.integer("retries_left") ?? null;
  }
  /** How often it is run again if it succeeds; `null` if no repeat was asked for. */
  get repeatsLeft(): number | null {
    return this.#data.integer("repeats_left") ?? null;
  }
  /** When it was created. */
  get createdAt(): Date | null {
    return this.#data.date("created_at");
  }
  /** When it was put on its queue; `null` while it is deferred. */
  get enqueuedAt(): Date | null {
    return this.#data.date("enqueued_at");
  }
  /** When its latest run began. */
  get startedAt(): Date | null {
    return this.#data.date("started_at");
  }
  /** When its latest run ended. */
  get endedAt(): Date | null {
    return this.#data.date("ended_at");
  }
  /** When the worker of its latest run last said that it runs it; `null` for runs of less than some seconds. */
  get lastHeartbeat(): Date | null {
    return this.#data.date("last_heartbeat");
  }
  /** The worker that ran it last, or `null`. */
  get workerName(): string | null {
    return this.#data.text("worker_name") ?? null;
  }
  /** The id of its group, or `null`. */
  get groupId(): string | null {
    return this.#data.text("group_id") ?? null;
  }
  /** The signals for which it waits, in a run that has ended until one of them comes; see `currentJob.waitFor()`. */
  get signals(): readonly string[] {
    const isAsleep = this.status === "scheduled" && this.endedAt === null;
    return isAsleep ? signalsOfText(this.#data.text("x_waits_for")) : [];
  }
  /** Ids of the jobs that it waits for. */
  get dependencyIds(): readonly string[] {
    return this.#data.dependencyIds;
  }
  /** Words that it can be found by; see {@linkcode Queue.jobsByTag}. */
  get tags(): readonly string[] {
    return tagsOfText(this.#data.text("x_tags"));
  }
  /** Who has stopped it by {@linkcode Job.stop}, and why, as far as that was said; `null` if nobody has. */
  get stoppedBy(): StoppedBy | null {
    return stoppedBy(this.#data);
  }
  /** The parent because of which the job was failed or canceled without being run, and how that had ended; else `null`. */
  get decidedBy(): DecidedBy | null {
    return this.#data.decidedBy;
  }
  /**
   * The progress that the job has reported by `currentJob.progress()`, or `undefined` if it has not.
   * {@linkcode Job.refresh} reads it again.
   */
  progress(): JobProgress | undefined {
    return this.#data.progress ?? undefined;
  }

  /**
   * The job under RQ's names of the fields (`rq.job.Job.to_dict`): unset ones are empty, `data` is JSON text, and
   * `progress` and `progress_note` are added if the job has reported progress.
   */
  toDict(): JobDict {
    return jobDict(this.#data);
  }
}
