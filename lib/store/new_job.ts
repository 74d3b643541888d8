/**
 * New jobs, and how they are packed for a script.
 *
 * @module
 */

import { formatSecond } from "../base/date.ts";
import type { JobField } from "../job/fields.ts";
import type { RedisArg } from "../redis/redis_client.ts";
import { Packer } from "./pack.ts";
import { NEW_JOB, NEW_JOBS } from "./records.ts";

/** A job to enqueue. */
export interface NewJob {
  /** Its id. */
  readonly id: string;
  /** Whether the id was generated, so that no other job can have it. */
  readonly isIdNew: boolean;
  /** The name of its queue. */
  readonly queue: string;
  /** Whether it goes to the head of its queue. */
  readonly atFront: boolean;
  /** When it may run: seconds since 1970, or `+` and seconds from now, by the server's clock; at once if there is none. */
  readonly due: string | undefined;
  /**
   * The fields of the hash: `created_at` and `data` are among them, and `ttl` if it is not to wait for ever;
   * `status`, `origin` and `enqueued_at` are not.
   */
  readonly fields: ReadonlyMap<JobField, RedisArg>;
}

/** The most new jobs of one call, which takes Redis a millisecond or two. */
const MOST_JOBS = 50;

/** The size in bytes beyond which no further job is added to a call. */
const MOST_BYTES = 65_536;

const packer = new Packer();

/** Packs one job. */
export function packJob(job: NewJob): Uint8Array {
  begin(job);
  add(job);
  return packer.take();
}

/** Begins a call with what all of its jobs share. */
function begin({ queue, atFront }: NewJob): void {
  const second = Math.floor(Date.now() / 1_000);
  packer.begin(NEW_JOBS, {
    queue,
    side: atFront ? "L" : "R",
    second,
    date: formatSecond(second),
  });
}

function add({ id, due = "0", fields }: NewJob): void {
  packer.record(NEW_JOB, { id, ttl: fields.get("ttl") ?? 0, due }, fields);
}

/** Jobs that share a call. */
export interface Batch {
  /** The jobs; at least one. */
  readonly jobs: readonly NewJob[];
  /** The same jobs, packed for the script. */
  readonly packed: Uint8Array;
}

/** Splits jobs into calls, in their order. */
export function batchesOf(jobs: readonly NewJob[]): Batch[] {
  const batches: Batch[] = [];
  let from = 0;
  let kind = kindOf(jobs[0]);
  for (const [i, job] of jobs.entries()) {
    if (i === from) begin(job);
    add(job);
    const next = kindOf(jobs[i + 1]);
    if (
      next !== kind || next === ALONE || i + 1 - from === MOST_JOBS ||
      packer.length > MOST_BYTES
    ) {
      batches.push({ jobs: jobs.slice(from, i + 1), packed: packer.take() });
      from = i + 1;
    }
    kind = next;
  }
  return batches;
}

/** The kind of a job that shares its call with no other. */
const ALONE = -1;

/** Jobs of the same kind may share a call. */
function kindOf(job: NewJob | undefined): number {
  if (job === undefined || hasParents(job)) return ALONE;
  return (job.atFront ? 1 : 0) | (job.isIdNew ? 2 : 0) |
    (mayResend(job) ? 4 : 0) | (isPlain(job) ? 8 : 0);
}

/** Whether nothing but its queue holds a job back. */
export function isPlain(job: NewJob): boolean {
  return !hasParents(job) && job.due === undefined &&
    !job.fields.has("rate_limit_key") && !job.fields.has("x_unique_how") &&
    !job.fields.has("x_tags") && !job.fields.has("group_id");
}

/** Whether a job depends on others. */
function hasParents({ fields }: NewJob): boolean {
  return fields.has("dependency_ids");
}

/** Whether a call may be repeated. Not if the job keeps no result: it may have run and left no trace by then. */
export function mayResend({ fields }: NewJob): boolean {
  return fields.get("result_ttl") !== 0;
}
