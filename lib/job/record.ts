/**
 * A job as stored in its Redis hash. All getters are lenient: a malformed hash,
 * written by another program, must harm that job alone.
 *
 * @module
 */

import { parseDate } from "../base/date.ts";
import { MAX_SECONDS, parseDuration } from "../base/duration.ts";
import { decodeData, type JobCall, UnreadableDataError } from "./codec.ts";
import type { JobField, JobFieldOf } from "./fields.ts";
import { decodeJson } from "./json.ts";
import { readMeta } from "./meta.ts";
import { DEFAULT_TIMEOUT } from "./options.ts";
import type { StepField } from "./steps.ts";

/** The fields of a job's hash. Text in all but `data`, `exc_info` and what a foreign serializer wrote. */
export type JobFields = Pick<ReadonlyMap<JobField, Uint8Array>, "get">;

/** The progress that a job has reported. */
export interface JobProgress {
  /** From 0 to 1. */
  readonly value: number;
  /** What is being done, if the job said so. */
  readonly note?: string;
}

/** A parent because of which a job was not run. */
export interface DecidedBy {
  /** The parent's id. */
  readonly id: string;
  /** How it had ended. A job that is gone was deleted, or has expired. */
  readonly status: "failed" | "stopped" | "canceled" | "deleted";
}

const PARENT_ENDS: readonly DecidedBy["status"][] = [
  "failed",
  "stopped",
  "canceled",
  "deleted",
];

const decoder = new TextDecoder();

/** A read-only view of a job's hash. */
export class JobRecord {
  /** The job's id. */
  readonly id: string;
  /** The raw fields. */
  readonly fields: JobFields;
  #call: JobCall | UnreadableDataError | undefined;

  /** Takes the fields as read from Redis. */
  constructor(id: string, fields: JobFields) {
    this.id = id;
    this.fields = fields;
  }

  /** Whether a field is there, and not empty. */
  has(field: JobField): boolean {
    const bytes = this.fields.get(field);
    return bytes !== undefined && bytes.length > 0;
  }

  /** A field as text, or `undefined` where it is missing or empty (RQ writes "unset" as empty). */
  text(field: JobField): string | undefined {
    const bytes = this.fields.get(field);
    return bytes === undefined || bytes.length === 0
      ? undefined
      : decoder.decode(bytes);
  }

  /** The value that was kept of a step, empty for `undefined`; or `undefined` if there is none. */
  kept(field: StepField): string | undefined {
    const bytes = (this.fields as Pick<ReadonlyMap<string, Uint8Array>, "get">)
      .get(field);
    return bytes && decoder.decode(bytes);
  }

  /** A field as a whole number, or `undefined` where it is missing or no whole number. */
  integer(
    field: JobFieldOf<"integer" | "seconds" | "flag">,
  ): number | undefined {
    const text = this.text(field);
    const number = text !== undefined && /^[+-]?\d+$/.test(text)
      ? Number(text)
      : undefined;
    return Number.isSafeInteger(number) ? number : undefined;
  }

  /**
   * A field as a time to live in seconds, `-1` for ever, or `undefined` where it is missing or no whole number. At
   * most a century.
   */
  seconds(field: JobFieldOf<"seconds">): number | undefined {
    const text = this.text(field);
    if (text === undefined || !/^[+-]?\d+$/.test(text)) return undefined;
    return Math.max(-1, Math.min(Number(text), MAX_SECONDS));
  }

  /** A field as a date, or `null`. */
  date(field: JobFieldOf<"date">): Date | null {
    return parseDate(this.text(field));
  }

  /**
   * The call.
   *
   * @throws {UnreadableDataError} If `data` cannot be read.
   */
  get call(): JobCall {
    if (this.#call === undefined) {
      try {
        this.#call = decodeData(this.fields.get("data") ?? new Uint8Array());
      } catch (error) {
        if (!(error instanceof UnreadableDataError)) throw error;
        this.#call = error;
      }
    }
    if (this.#call instanceof UnreadableDataError) throw this.#call;
    return this.#call;
  }

  /**
   * The time limit in seconds, `-1` for none. The default if the hash has no such field.
   *
   * @throws {RangeError} If the field is no duration.
   */
  get timeout(): number {
    const text = this.text("timeout");
    return text === undefined
      ? DEFAULT_TIMEOUT
      : parseDuration(text, "timeout", { unlimited: true });
  }

  /** `meta`. If another serializer wrote it, `{ unserialized: … }`, as in RQ. */
  get meta(): Record<string, unknown> {
    const bytes = this.fields.get("meta");
    return readMeta(bytes) ?? { unserialized: decoder.decode(bytes) };
  }

  /** The progress that the latest run has reported, or `null`. */
  get progress(): JobProgress | null {
    const value = Number(this.text("x_progress") ?? NaN);
    if (!(value >= 0 && value <= 1)) return null;
    const note = this.text("x_progress_note");
    return note === undefined ? { value } : { value, note };
  }

  /** The ids of the jobs that this one waits for. */
  get dependencyIds(): string[] {
    const single = this.text("dependency_id");
    const list = this.text("dependency_ids");
    if (list === undefined) return single === undefined ? [] : [single];
    try {
      const ids = decodeJson(list);
      if (Array.isArray(ids)) return ids.map(String);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    return [];
  }

  /**
   * The ids of the parents whose results its function gets.
   *
   * @throws {UnreadableDataError} If the field is no list.
   */
  get passedIds(): string[] {
    const list = this.text("x_pass_results") ?? "[]";
    try {
      const ids = decodeJson(list);
      if (Array.isArray(ids)) return ids.map(String);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    throw new UnreadableDataError(
      "Cannot read which results the job gets: x_pass_results is no list",
    );
  }

  /** The parent because of which it was failed or canceled without being run, or `null`. */
  get decidedBy(): DecidedBy | null {
    const [id, status] = this.text("x_decided_by")?.split(" ") ?? [];
    return id && PARENT_ENDS.find((end) => end === status)
      ? { id, status: status as DecidedBy["status"] }
      : null;
  }

  /** What log lines show: the description, or the id if there is none. */
  get description(): string {
    return this.text("description") ?? this.id;
  }
}

/**
 * Whether the job may have killed its last worker. The mark `x_abandoned` counts only until the job is enqueued
 * anew, which changes `enqueued_at`.
 */
export function isSuspect(job: JobRecord): boolean {
  const mark = job.text("x_abandoned")?.split(" ", 2);
  return mark?.[1] !== undefined && mark[1] === job.text("enqueued_at");
}

/** Converts a flat `HGETALL` reply to a map of fields. */
export function fieldsOfReply(
  reply: readonly unknown[],
): ReadonlyMap<string, Uint8Array> {
  const fields = new Map<string, Uint8Array>();
  for (let i = 0; i + 1 < reply.length; i += 2) {
    const [name, value] = [reply[i], reply[i + 1]];
    if (name instanceof Uint8Array && value instanceof Uint8Array) {
      fields.set(decoder.decode(name), value);
    }
  }
  return fields;
}
