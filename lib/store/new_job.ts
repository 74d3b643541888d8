/**
 * New jobs on their way to the script that takes them in, and what it says of each.
 *
 * @module
 */

import { latestSecond } from "../base/date.ts";
import { DuplicateJobError } from "../base/errors.ts";
import type { JobField } from "../job/fields.ts";
import {
  type RedisArg,
  type RedisReply,
  ReplyError,
} from "../redis/redis_client.ts";
import { Packer } from "./pack.ts";

/** A job on its way in. */
export interface NewJob {
  /** Its id. */
  readonly id: string;
  /** The name of its queue. */
  readonly queue: string;
  /** Whether it goes to the head of its queue. */
  readonly atFront: boolean;
  /** Longest wait in seconds, if any. */
  readonly ttl: number | undefined;
  /** Ids of the jobs to wait for. */
  readonly dependencyIds: readonly string[];
  /** The fields of the hash: `created_at` and `data` are among them, `status`, `origin` and `enqueued_at` are not. */
  readonly fields: ReadonlyMap<JobField, RedisArg>;
}

/** What became of a {@linkcode NewJob}. */
export interface EnqueuedJob {
  /** Whether it is on its queue or waits for others. */
  readonly status: "queued" | "deferred";
  /** As stored; empty while the job is deferred. */
  readonly enqueuedAt: string;
}

/** How many new jobs one call takes in: it keeps Redis from others for a millisecond or two. */
const MOST_JOBS = 50;

/** Beyond so many bytes a call takes in no further job. */
const MOST_BYTES = 65_536;

const packer = new Packer();

/** Writes one job as the script takes it. */
export function packJob(job: NewJob): Uint8Array {
  begin(job);
  add(job);
  return packer.take();
}

/** Begins what the script is given for jobs that go the same way as this one. */
function begin({ queue, atFront }: NewJob): void {
  const { second, text } = latestSecond();
  packer.begin(queue, atFront ? "L" : "R", second, text);
}

function add({ id, ttl, dependencyIds, fields }: NewJob): void {
  packer.list(3 + dependencyIds.length + 2 * fields.size);
  packer.add(id);
  packer.add(ttl ?? 0);
  packer.add(dependencyIds.length);
  for (const parent of dependencyIds) packer.add(parent);
  for (const [field, value] of fields) {
    packer.add(field);
    packer.add(value);
  }
}

/** Jobs that share a call. */
export interface Batch {
  /** They themselves, at least one. */
  readonly jobs: readonly NewJob[];
  /** The same as the script takes them. */
  readonly packed: Uint8Array;
}

/** Cuts jobs, in their order, into those that share a call. */
export function batchesOf(jobs: readonly NewJob[]): Batch[] {
  const batches: Batch[] = [];
  let from = 0;
  for (const [i, job] of jobs.entries()) {
    if (i === from) begin(job);
    add(job);
    const next = jobs[i + 1];
    if (
      next === undefined || i + 1 - from === MOST_JOBS ||
      packer.length > MOST_BYTES || !goTogether(job, next)
    ) {
      batches.push({ jobs: jobs.slice(from, i + 1), packed: packer.take() });
      from = i + 1;
    }
  }
  return batches;
}

function goTogether(a: NewJob, b: NewJob): boolean {
  return a.atFront === b.atFront && mayResend(a) === mayResend(b) &&
    a.dependencyIds.length + b.dependencyIds.length === 0;
}

/** A job that keeps no result may have come and gone before its call is sent again: nothing would show it. */
export function mayResend({ fields }: NewJob): boolean {
  return fields.get("result_ttl") !== 0;
}

/** What the script replied to the job of this number, or why it was not taken in. */
export function enqueuedJob(
  reply: RedisReply,
  job: NewJob,
  i: number,
): EnqueuedJob {
  if (typeof reply === "string") return { status: "queued", enqueuedAt: reply };
  const parts = Array.isArray(reply) ? reply : [];
  const what = parts[2 * i];
  const detail = String(parts[2 * i + 1]);
  if (what === "duplicate") {
    throw new DuplicateJobError(
      `Cannot enqueue job "${job.id}": a job of this id is ${
        detail || "there"
      }; wait for it, delete it or choose another id`,
      { jobId: job.id },
    );
  }
  if (what === "unfit") {
    throw new ReplyError(
      detail ||
        `WRONGTYPE Cannot enqueue job "${job.id}" on queue "${job.queue}": a key of theirs holds another type of value`,
    );
  }
  return {
    status: what === "deferred" ? "deferred" : "queued",
    enqueuedAt: detail,
  };
}
