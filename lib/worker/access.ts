/**
 * What a worker's Redis user may do.
 *
 * @module
 */

import { type RedisClient, ReplyError } from "../redis/redis_client.ts";
import type { WorkerStore } from "../store/worker_store.ts";
import { CannotStartError } from "./errors.ts";

/**
 * Checks the permissions of the Redis user before the first job: otherwise a missing one would fail job by job.
 *
 * @throws {CannotStartError} It names what is missing.
 */
export async function checkAccess(
  client: RedisClient,
  store: WorkerStore,
): Promise<void> {
  let denied: ReadonlyMap<string, string>;
  try {
    await client.send("CLIENT", ["INFO"], { resend: true });
    denied = await store.deniedCommands();
  } catch (cause) {
    if (!(cause instanceof ReplyError && cause.code === "NOPERM")) throw cause;
    throw accessError(cause.message, cause);
  }
  const [first] = denied;
  if (first === undefined) return;
  const names = [...denied.keys()].join(", ");
  throw accessError(`${names} not allowed in scripts: ${first[1]}`);
}

function accessError(why: string, cause?: Error): CannotStartError {
  return new CannotStartError(
    `Cannot start the worker: its Redis user lacks a permission (${why}); the ACL rules that a worker needs are in the README`,
    { cause },
  );
}
