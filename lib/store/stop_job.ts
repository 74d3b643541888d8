/** Stopping a running job, and RQ's commands to workers. @module */

import type { RedisClient } from "../redis/redis_client.ts";
import type { Keys } from "./keys.ts";
import { releaseDependents } from "./release.ts";
import { texts } from "./replies.ts";
import { STOP } from "./scripts/stop.ts";

/** Where the job is: a connection, and the names of the keys. */
interface Place {
  readonly client: RedisClient;
  readonly keys: Keys;
}

/** Who asks, and for what. */
export interface StopWish {
  /** The execution that an earlier call has asked to stop: if the job has begun anew since, that run is left alone. */
  readonly execution?: string | undefined;
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

/** What came of asking a job's run to stop. */
export type StopReply =
  /** Its worker is to stop this execution. */
  | { readonly what: "asked"; readonly execution: string }
  /** It has stopped. */
  | { readonly what: "stopped" }
  | { readonly what: "gone" }
  | { readonly what: "not started"; readonly status: string };

/** Asks that a job's run be stopped. */
export async function askToStop(
  { client, keys }: Place,
  id: string,
  { execution, by = "", reason = "" }: StopWish,
): Promise<StopReply> {
  const again = execution === undefined ? 0 : 1;
  const args = [keys.prefix, id, execution ?? "", again, by, reason];
  const [what, detail = ""] = texts(
    await STOP.run(client, [keys.job(id)], args, { resend: true }),
  );
  switch (what) {
    case "asked":
      return { what, execution: detail };
    case "not started":
      return { what, status: detail };
    case "gone":
      return { what };
    default:
      await releaseDependents(client, keys, { id, how: "stopped" }, detail);
      return { what: "stopped" };
  }
}

/**
 * Sends a command of RQ's to a worker (`rq.command`).
 *
 * @returns Whether a worker listens under this name.
 */
export async function sendCommand(
  { client, keys }: Place,
  worker: string,
  command: Readonly<Record<string, string>>,
): Promise<boolean> {
  const args = [keys.channel(worker), JSON.stringify(command)];
  return Number(await client.send("PUBLISH", args)) > 0;
}
