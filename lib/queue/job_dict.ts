/**
 * RQ's dict of a job.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { unfold } from "../job/codec.ts";
import { isWhole } from "../job/fields.ts";
import type { JobRecord } from "../job/record.ts";

/** The keys that `rq.job.Job.to_dict()` always has, in its order; an unset one is empty text. */
const ALWAYS = [
  "created_at",
  "data",
  "success_callback_name",
  "failure_callback_name",
  "stopped_callback_name",
  "started_at",
  "ended_at",
  "last_heartbeat",
  "worker_name",
  "group_id",
] as const;

/** The keys that RQ's dict has only if they are set, in its order. */
const IF_SET = [
  "number_of_retries",
  "retries_left",
  "retry_intervals",
  "enqueue_at_front_on_retry",
  "origin",
  "description",
  "enqueued_at",
  "repeats_left",
  "repeat_intervals",
  "timeout",
  "success_callback_timeout",
  "failure_callback_timeout",
  "stopped_callback_timeout",
  "webhooks",
  "result_ttl",
  "failure_ttl",
  "status",
  "dependency_id",
  "dependency_ids",
  "meta",
  "ttl",
  "allow_dependency_failures",
  "enqueue_at_front",
] as const;

/** A job under RQ's names of the fields. */
export type JobDict = Record<string, string | number>;

/** Creates the dict of a job. */
export function jobDict(record: JobRecord): JobDict {
  const dict: JobDict = {};
  for (const name of ALWAYS) dict[name] = record.text(name) ?? "";
  dict["data"] = Buffer.from(
    unfold(record.fields.get("data") ?? new Uint8Array()),
  ).toString();
  for (const name of IF_SET) {
    const number = isWhole(name) ? record.integer(name) : undefined;
    const value = number ?? record.text(name);
    if (value !== undefined) dict[name] = value;
  }
  const { progress } = record;
  if (progress !== null) {
    dict["progress"] = progress.value;
    if (progress.note !== undefined) dict["progress_note"] = progress.note;
  }
  return dict;
}
