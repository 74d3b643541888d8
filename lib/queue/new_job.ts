/**
 * Jobs to be enqueued, out of checked calls, and what is known of them once they are.
 *
 * @module
 */

import { formatDate, uniqueMicros } from "../base/date.ts";
import { encodeData } from "../job/codec.ts";
import { describeCall } from "../job/description.ts";
import { edgeFields } from "../job/dependency.ts";
import { FAIR_CONCURRENCY, fairLimit } from "../job/fair_key.ts";
import type { JobField } from "../job/fields.ts";
import type { Isolation } from "../job/isolation.ts";
import type { CheckedJobOptions } from "../job/options.ts";
import { rateLimitFields } from "../job/rate_limit.ts";
import { type JobFields, JobRecord } from "../job/record.ts";
import { retryFields } from "../job/retry.ts";
import { webhookFields } from "../job/webhook.ts";
import type { RedisArg } from "../redis/redis_client.ts";
import type { NewJob } from "../store/new_job.ts";
import type { CheckedCall } from "./enqueue_call.ts";
import type { CallNames } from "./func_name.ts";

/** What a queue has for calls that do not say. */
export interface QueueDefaults {
  readonly isolation: Isolation | undefined;
  readonly fairKey: string | undefined;
}

/**
 * Encodes what is stored of a checked call.
 *
 * @param names The names of its functions.
 * @param queue The name of the queue.
 * @param own What the queue has for a call that does not say.
 */
export function newJobOf(
  { id, options, args, kwargs, argsJson, kwargsJson, metaJson, edges }:
    CheckedCall,
  names: CallNames,
  queue: string,
  own: QueueDefaults,
): NewJob {
  const fields: Fields = new Map();
  const funcName = names.func;
  fields.set("created_at", formatDate(uniqueMicros()));
  fields.set("data", encodeData(funcName, argsJson, kwargsJson));
  fields.set(
    "description",
    options.description ?? describeCall(funcName, args, kwargs),
  );
  fields.set("timeout", options.timeout);
  const { resultTtl, failureTtl, ttl, atFront, due, repeat } = options;
  if (resultTtl !== undefined) fields.set("result_ttl", resultTtl);
  if (failureTtl !== undefined) fields.set("failure_ttl", failureTtl);
  if (ttl !== undefined) fields.set("ttl", ttl);
  addLimits(fields, options, queue, options.fairKey ?? own.fairKey);
  addAgain(fields, options);
  addEndings(fields, options, names.callbacks);
  if (options.group !== undefined) fields.set("group_id", options.group);
  if (options.tags !== undefined && options.tags.length > 0) {
    fields.set("x_tags", JSON.stringify(options.tags));
  }
  const isolation = options.isolation ?? own.isolation;
  if (isolation !== undefined) fields.set("x_isolation", isolation);
  if (metaJson !== "{}") fields.set("meta", metaJson);
  if (edges.policies.size > 0) {
    for (const [name, value] of edgeFields(edges)) fields.set(name, value);
  }
  // Where it is not on its queue at once, the side has to be known later.
  const isLater = edges.policies.size > 0 || due !== undefined ||
    repeat !== undefined;
  if (isLater && (edges.atFront || atFront)) fields.set("enqueue_at_front", 1);
  const isIdNew = options.jobId === undefined;
  return { id, isIdNew, queue, atFront, due, fields };
}

type Fields = Map<JobField, RedisArg>;

/** What limits how many such jobs there are or run: a rate limit, a unique key, turns. */
function addLimits(
  fields: Fields,
  { rateLimit, unique }: CheckedJobOptions,
  queue: string,
  fairKey: string | undefined,
): void {
  if (rateLimit !== undefined) {
    for (const [name, value] of rateLimitFields(rateLimit)) {
      fields.set(name, value);
    }
  }
  if (unique !== undefined) {
    if (unique.key !== undefined) fields.set("x_unique", unique.key);
    fields.set("x_unique_how", unique.how);
  }
  // Of jobs that heed conflicts one waits at most, so they have no turns to take.
  const heeds = rateLimit !== undefined && rateLimit.onConflict !== "queue";
  if (fairKey === undefined || heeds) return;
  fields.set("x_fair_key", fairKey);
  if (rateLimit !== undefined) return;
  fields.set("rate_limit_key", fairLimit(queue, fairKey));
  fields.set("rate_limit_concurrency", FAIR_CONCURRENCY);
}

/** When it is run again: after a success, after a failure. */
function addAgain(fields: Fields, { repeat, retry }: CheckedJobOptions): void {
  if (repeat !== undefined) {
    fields.set("repeats_left", repeat.times);
    fields.set("repeat_intervals", JSON.stringify(repeat.intervals));
  }
  if (retry === undefined) return;
  for (const [name, value] of retryFields(retry)) fields.set(name, value);
}

/** What is done when it has ended. `names` are those of its callbacks. */
function addEndings(
  fields: Fields,
  { callbacks, webhooks }: CheckedJobOptions,
  names: readonly string[],
): void {
  callbacks.forEach(({ kind, timeout }, i) => {
    fields.set(`${kind}_callback_name`, names[i]!);
    fields.set(`${kind}_callback_timeout`, timeout);
  });
  if (webhooks.length === 0) return;
  for (const [name, value] of webhookFields(webhooks)) fields.set(name, value);
}

/** What the store says of a job that it has taken. */
export interface NewState {
  readonly status: string;
  /** Empty unless the job is queued. */
  readonly enqueuedAt: string;
  /** The job as it is by now, if it has gone on. @default as it was enqueued */
  readonly record?: JobRecord;
}

const encoder = new TextEncoder();

/** A new job as it is stored. */
export function recordOf(
  job: NewJob,
  { status, enqueuedAt }: NewState,
): JobRecord {
  const fields: JobFields = new Map(
    [
      ...job.fields,
      ["origin", job.queue] as const,
      ["status", status] as const,
      ["enqueued_at", enqueuedAt] as const,
    ].map(([name, value]) => [name, bytesOf(value)]),
  );
  return new JobRecord(job.id, fields);
}

function bytesOf(value: RedisArg): Uint8Array {
  return value instanceof Uint8Array ? value : encoder.encode(String(value));
}
