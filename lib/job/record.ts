/**
 * A job as its Redis hash shows it. Every reader here is lenient: a hash that
 * another program wrote badly must spoil that job alone.
 *
 * @module
 */

import { parseDate } from "../base/date.ts";
import { MAX_SECONDS, parseDuration } from "../base/duration.ts";
import { type Call, decodeData, UnreadableDataError } from "./codec.ts";
import type { JobField, JobFieldOf } from "./fields.ts";
import { decodeJson } from "./json.ts";
import { DEFAULT_TIMEOUT } from "./options.ts";
import { isJobStatus, type JobStatus } from "./status.ts";

/** The fields of a job's hash. Text in all but `data`, `exc_info` and what a foreign serializer wrote. */
export type JobFields = Pick<ReadonlyMap<JobField, Uint8Array>, "get">;

/** How far a job is, as it said itself. */
export interface JobProgress {
  /** From 0 to 1. */
  readonly value: number;
  /** What is being done, if the job said that too. */
  readonly note?: string;
}

const decoder = new TextDecoder();

/** A read-only view of a job's hash. */
export class JobRecord {
  /** The job's id. */
  readonly id: string;
  /** The raw fields. */
  readonly fields: JobFields;
  #call: Call | UnreadableDataError | undefined;

  /** Takes the fields as they came from Redis. */
  constructor(id: string, fields: JobFields) {
    this.id = id;
    this.fields = fields;
  }

  /** A field as text, or `undefined` where it is missing or empty (RQ writes "unset" as empty). */
  text(field: JobField): string | undefined {
    const bytes = this.fields.get(field);
    return bytes === undefined || bytes.length === 0
      ? undefined
      : decoder.decode(bytes);
  }

  /** A field as a whole number, or `undefined` where it is missing or none. */
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
   * A field as a time to live in seconds, or `undefined` where it is missing or no whole number; `-1` for ever. What is
   * longer than a century is taken for one.
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

  /** The status, or `null` where it is missing or unknown. */
  get status(): JobStatus | null {
    const status = this.text("status");
    return isJobStatus(status) ? status : null;
  }

  /**
   * The call.
   *
   * @throws {UnreadableDataError} if `data` cannot be read
   */
  get call(): Call {
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
   * The time limit in seconds, `-1` for none; the default where the hash has none.
   *
   * @throws {RangeError} if what the hash has is no length of time
   */
  get timeout(): number {
    const text = this.text("timeout");
    return text === undefined
      ? DEFAULT_TIMEOUT
      : parseDuration(text, "timeout", { unlimited: true });
  }

  /** `meta`; what another serializer wrote shows as `{ unserialized: … }`, as in RQ. */
  get meta(): Record<string, unknown> {
    const bytes = this.fields.get("meta");
    if (bytes === undefined || bytes.length === 0) return {};
    try {
      const value = decodeJson(decoder.decode(bytes));
      if (
        typeof value === "object" && value !== null && !Array.isArray(value)
      ) {
        return value as Record<string, unknown>;
      }
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    return { unserialized: decoder.decode(bytes) };
  }

  /** How far its latest run said that it is, or `null` where it said nothing. */
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

  /** What log lines show: the description, or the id where there is none. */
  get description(): string {
    return this.text("description") ?? this.id;
  }
}

/**
 * Whether a job may be the reason for which its last worker died. The mark counts only for the stay in the queue
 * that the loss began: whoever puts the job on its queue anew writes another `enqueued_at`.
 */
export function isSuspect(job: JobRecord): boolean {
  const mark = job.text("x_abandoned")?.split(" ", 2);
  return mark?.[1] !== undefined && mark[1] === job.text("enqueued_at");
}

/** Makes the map of fields out of a flat `HGETALL` reply. */
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
