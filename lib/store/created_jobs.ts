/**
 * Jobs that are stored before they are enqueued: RQ's status `created`.
 *
 * @module
 */

import type { JobField } from "../job/fields.ts";
import { DEFAULT_TIMEOUT } from "../job/options.ts";
import type { RedisArg, RedisClient } from "../redis/redis_client.ts";
import { type Answer, type Enqueued, enqueuedJob } from "./enqueuer.ts";
import type { Keys } from "./keys.ts";
import type { NewJob } from "./new_job.ts";
import { texts } from "./replies.ts";
import { CREATE } from "./scripts/create.ts";
import { ENQUEUE_CREATED } from "./scripts/enqueue_created.ts";

/** Where the job is: a connection, and the names of the keys. */
interface Place {
  readonly client: RedisClient;
  readonly keys: Keys;
}

/** How a created job is enqueued. */
export interface EnqueueCreatedOptions {
  /** The name of the queue. */
  readonly queue: string;
  /** Whether it goes to the head of the queue, whatever it says itself. @default false */
  readonly atFront?: boolean;
  /** In seconds, for a job without a timeout, which Python may have made. @default 180 */
  readonly timeout?: number;
  /** Whether the call may be repeated: not if the job keeps no result, as it may have run and left no trace by then. */
  readonly resend: boolean;
}

/** Why a job was not enqueued. */
export type NotEnqueued =
  | { readonly outcome: "gone" }
  | { readonly outcome: "not created"; readonly status: string };

/**
 * Stores a job as created. Its `due` is kept as it is: "from now" begins when it is enqueued.
 *
 * @throws {DuplicateJobError} If the id is taken by a job that has not ended.
 */
export async function create(
  { client, keys }: Place,
  job: NewJob,
): Promise<void> {
  const { id, queue } = job;
  const fields = new Map<JobField, RedisArg>(job.fields);
  if (job.due !== undefined) fields.set("x_due", job.due);
  if (job.atFront) fields.set("enqueue_at_front", 1);
  const first = [fields.get("created_at")!, fields.get("data")!];
  fields.delete("created_at");
  fields.delete("data");
  const args = [keys.prefix, id, queue, ...first, ...[...fields].flat()];
  const reply = await CREATE.run(client, [keys.job(id)], args, {
    resend: true,
  });
  const [outcome, status = ""] = texts(reply);
  if (outcome === "duplicate") enqueuedJob({ outcome, status }, job);
  if (outcome === "refused") enqueuedJob({ outcome, why: "" }, job);
}

/** Enqueues a job that is stored as created. */
export async function enqueueCreated(
  { client, keys }: Place,
  id: string,
  options: EnqueueCreatedOptions,
): Promise<Enqueued | NotEnqueued> {
  const { queue, atFront = false, timeout = DEFAULT_TIMEOUT, resend } = options;
  const args = [id, queue, atFront ? "L" : "", timeout, crypto.randomUUID()];
  const reply = await ENQUEUE_CREATED.run(client, [keys.job(id)], [
    keys.prefix,
    ...args,
  ], { resend });
  const answer: Answer | NotEnqueued = JSON.parse(String(reply));
  return answer.outcome === "gone" || answer.outcome === "not created"
    ? answer
    : enqueuedJob(answer, { id, queue });
}
