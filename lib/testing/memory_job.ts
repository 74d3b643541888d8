/**
 * A job in memory: the fields that its hash would have in Redis.
 *
 * @module
 */

import { formatDate, uniqueMicros } from "../base/date.ts";
import type { JobField } from "../job/fields.ts";
import { JobRecord } from "../job/record.ts";
import {
  encodeFailure,
  encodeResult,
  type StoredResult,
} from "../job/result_codec.ts";
import { hasEnded, type JobStatus } from "../job/status.ts";
import type { RedisArg } from "../redis/redis_client.ts";
import type { JobState } from "../store/job_store.ts";
import type { NewJob } from "../store/new_job.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** RQ's types of results. */
const SUCCESSFUL = 1;
const FAILED = 2;

/** A stored job. */
export class MemoryJob {
  /** Its id. */
  readonly id: string;
  /** When it may run, in milliseconds since 1970; at once if there is none. */
  readonly due: number | undefined;
  /** Since when it is stored, in milliseconds since 1970. */
  readonly since: number = Date.now();
  /** What its function threw, if it has failed. */
  thrown: unknown;
  /** The name of its queue. */
  readonly origin: string;
  /** The ids of the jobs that it waits for. */
  readonly parents: readonly string[];
  /** Those of them without which it goes on, since whoever canceled them wants that. */
  readonly goesOnWithout: Set<string> = new Set();
  readonly #fields = new Map<JobField, Uint8Array>();
  #latest: StoredResult | null = null;
  #runs = 0;

  /** Takes what would be stored. */
  constructor({ id, queue, due, fields }: NewJob) {
    this.id = id;
    if (due !== undefined) {
      const ms = Math.round(1_000 * Number(due));
      this.due = due.startsWith("+") ? this.since + ms : ms;
    }
    this.set(fields);
    this.set({ origin: queue });
    this.origin = queue;
    this.parents = this.record.dependencyIds;
  }

  /** Writes fields. */
  set(
    fields:
      | ReadonlyMap<JobField, RedisArg>
      | Partial<Record<JobField, RedisArg>>,
  ): void {
    const entries = fields instanceof Map ? fields : Object.entries(fields);
    for (const [name, value] of entries) {
      const bytes = value instanceof Uint8Array
        ? value
        : encoder.encode(String(value));
      this.#fields.set(name as JobField, bytes);
    }
  }

  /** The job as it is now. */
  get record(): JobRecord {
    return new JobRecord(this.id, new Map(this.#fields));
  }

  /** Its status. */
  get status(): JobStatus {
    return this.#text("status") as JobStatus;
  }

  /** The unique key that it has, and how it holds it. */
  get unique(): { readonly key: string; readonly how: string } {
    const [key = "", how = ""] = [
      this.#text("x_unique"),
      this.#text("x_unique_how"),
    ];
    return { key, how };
  }

  /** Whether it has ended. */
  get hasEnded(): boolean {
    return hasEnded(this.status);
  }

  /** Its state at this moment. */
  get state(): JobState {
    return { exists: true, status: this.status, latest: this.#latest };
  }

  /** Puts it on its queue. */
  queue(): void {
    this.set({ status: "queued", enqueued_at: formatDate(uniqueMicros()) });
  }

  /** Marks it as started. */
  start(): void {
    const now = formatDate(uniqueMicros());
    this.set({ status: "started", started_at: now, x_attempts: ++this.#runs });
  }

  /** Ends it with a result, JSON or empty. */
  finish(json: string): void {
    const returnValue = json === "" ? undefined : encodeResult(json);
    this.#end("finished", {
      type: SUCCESSFUL,
      returnValue,
      excString: undefined,
    });
  }

  /** Ends it with a failure. */
  fail(excInfo: string, thrown: unknown): void {
    this.thrown = thrown;
    const excString = encodeFailure(excInfo);
    this.#end("failed", { type: FAILED, returnValue: undefined, excString });
  }

  #text(field: JobField): string | undefined {
    const bytes = this.#fields.get(field);
    return bytes && decoder.decode(bytes);
  }

  #end(status: JobStatus, result: Omit<StoredResult, "entryId">): void {
    this.set({ status, ended_at: formatDate(uniqueMicros()) });
    this.#latest = { entryId: `${Date.now()}-${this.#runs}`, ...result };
  }
}
