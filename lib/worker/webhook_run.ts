/**
 * Running the jobs that send webhooks of others.
 *
 * @module
 */

import type { JobCall } from "../job/codec.ts";
import type { JobRecord } from "../job/record.ts";
import { decodeFailure } from "../job/result_codec.ts";
import { readWebhook } from "../job/webhook.ts";
import type { WebhookRequest } from "../runner/child_webhook.ts";
import { type EndedRecord, endedRecord } from "../store/ended_job.ts";

/** Whether a job sends a webhook. */
export function isWebhook(job: JobRecord): boolean {
  return job.text("x_webhook") !== undefined;
}

/**
 * The call of a job that sends a webhook; `undefined` for any other job.
 *
 * @throws {Error} If what is to be sent cannot be read, or not be sent.
 */
export function webhookCall(job: JobRecord): JobCall | undefined {
  const text = job.text("x_webhook");
  if (text === undefined) return undefined;
  const { job_status: _, ...webhook } = readWebhook(text);
  const body = JSON.stringify(payloadOf(endedRecord(job)));
  const request: WebhookRequest = { ...webhook, id: job.id, body };
  return { funcName: "deno_rq.webhook", args: [request], kwargs: {} };
}

/** What RQ's `Webhook.get_payload()` says. */
function payloadOf(
  { job, outcome }: EndedRecord,
): Readonly<Record<string, string | null>> {
  const status = job.text("status") ?? "";
  const payload = {
    job_id: job.id,
    func_name: funcNameOf(job),
    status,
    enqueued_at: dateOf(job, "enqueued_at"),
    ended_at: dateOf(job, "ended_at"),
  };
  if (status !== "failed" && status !== "stopped") return payload;
  const stored = { entryId: "", type: 0, returnValue: undefined };
  const exc_info = decodeFailure({ ...stored, excString: outcome });
  return { ...payload, exc_info };
}

/** `null` if nobody can read the job's data. */
function funcNameOf(job: JobRecord): string | null {
  try {
    return job.call.funcName;
  } catch {
    return null;
  }
}

/** A date as Python's `isoformat()` writes it. */
function dateOf(
  job: JobRecord,
  field: "enqueued_at" | "ended_at",
): string | null {
  return job.text(field)?.replace(/Z$/, "+00:00") ?? null;
}
