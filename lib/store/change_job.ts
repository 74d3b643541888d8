/**
 * Changes of a job that somebody asks for: one function for each script. What a worker or the sweep does with jobs is in
 * `worker_store.ts` and `sweep_store.ts`.
 *
 * @module
 */

import { DEFAULT_FAILURE_TTL } from "../job/options.ts";
import {
  type RedisArg,
  type RedisClient,
  ReplyError,
} from "../redis/redis_client.ts";
import type { Script } from "../redis/script.ts";
import type { Keys } from "./keys.ts";
import { releaseDependents } from "./release.ts";
import { texts } from "./replies.ts";
import { CANCEL } from "./scripts/cancel.ts";
import { DELETE } from "./scripts/delete.ts";
import { REQUEUE } from "./scripts/requeue.ts";

/** What came of changing a job. */
export interface Change {
  /** Whether it was done. */
  readonly done: boolean;
  /** Whether there is no such job. */
  readonly gone: boolean;
  /** Where it was not done: the status that does not allow it. */
  readonly status: string;
  /** Where it was not done: the job that has its unique key. */
  readonly holder?: { readonly jobId: string; readonly uniqueKey: string };
}

/** Where the job is: a connection, and the names of the keys. */
interface Place {
  readonly client: RedisClient;
  readonly keys: Keys;
}

/** What a cancellation means for other jobs. */
export interface CancelWishes {
  /** Whether jobs that wait for it no longer do, whatever their edges say. @default false */
  readonly enqueueDependents?: boolean;
  /** Whether the jobs that it waits for are to forget it. @default false */
  readonly removeFromDependencies?: boolean;
}

/** Cancels a job. */
export async function cancel(
  place: Place,
  id: string,
  { enqueueDependents, removeFromDependencies }: CancelWishes,
): Promise<Change> {
  const [what, , cursor = "0"] = await run(CANCEL, place, id, [
    id,
    DEFAULT_FAILURE_TTL,
    newToken(),
    enqueueDependents ? "enqueue" : "",
    removeFromDependencies ? "forget" : "",
  ]);
  if (what === "unfit") throw wrongType("cancel", id, "canceled registry");
  const parent = { id, how: enqueueDependents ? "enqueue" : "canceled" };
  await releaseDependents(place.client, place.keys, parent, cursor);
  return {
    done: what === "canceled",
    gone: what === "gone",
    status: what === "already" ? "canceled" : "",
  };
}

/** Deletes a job and everything that is stored of it, if wanted those that wait for it too; `false` if there was nothing. */
export async function remove(
  { client, keys }: Place,
  id: string,
  deleteDependents: boolean,
): Promise<boolean> {
  const wish = deleteDependents ? "delete" : "";
  // Not sent again: a second call would report that there was nothing.
  const [what, , cursor = "0"] = texts(
    await DELETE.run(client, [keys.job(id)], [keys.prefix, id, wish]),
  );
  const parent = { id, how: wish || "deleted" };
  await releaseDependents(client, keys, parent, cursor);
  return what === "deleted";
}

/** Puts a failed or stopped job back on its queue. */
export async function requeue(
  place: Place,
  id: string,
  atFront: boolean,
): Promise<Change> {
  const args = [id, atFront ? "L" : "R", newToken()];
  const [what, detail = "", uniqueKey = ""] = await run(
    REQUEUE,
    place,
    id,
    args,
  );
  if (what === "held") {
    const holder = { jobId: detail, uniqueKey };
    return { done: false, gone: false, status: "", holder };
  }
  if (what === "unfit") throw wrongType("requeue", id, "queue");
  return {
    done: what === "requeued",
    gone: what === "gone",
    status: what === "not failed" ? detail : "",
  };
}

/** Runs a script about one job that recognizes its own work; returns the parts of its reply. */
async function run(
  script: Script,
  { client, keys }: Place,
  id: string,
  args: readonly RedisArg[],
): Promise<string[]> {
  const reply = await script.run(
    client,
    [keys.job(id)],
    [keys.prefix, ...args],
    { resend: true },
  );
  return texts(reply);
}

function wrongType(what: string, id: string, place: string): ReplyError {
  return new ReplyError(
    `WRONGTYPE Cannot ${what} job "${id}": a key of its ${place} holds another type of value`,
  );
}

function newToken(): string {
  return crypto.randomUUID();
}
