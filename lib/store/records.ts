/**
 * What crosses between TypeScript and Lua packed as a list, and what stands where in it. Each record is declared here
 * once, as the names of its values in their order: TypeScript packs and reads it by these names, and a
 * script takes the numbers from {@linkcode placesLua}, so that neither counts.
 *
 * A list and not a map: names would be sent and parsed with every job.
 *
 * @module
 */

import type { RedisArg } from "../redis/redis_client.ts";

/** The names of a record's values in their order. */
export type RecordNames = readonly string[];

/** The values of a record, by name. */
export type RecordValues<N extends RecordNames> = {
  readonly [name in N[number]]: RedisArg;
};

/** How an execution ended, as the scripts take it that record ends. */
export const END = [
  /** The queue that the job was taken from. */
  "queue",
  "jobId",
  /** The execution's id. */
  "execution",
  /**
   * `finished`, `failed`, `stopped`, `requeued` (put back at the head) or `returned` (likewise, it has not
   * begun).
   */
  "outcome",
  /** Seconds that the result or the failure is kept, 0 not at all, -1 for ever; of a returned job, that it may still wait. */
  "ttl",
  /** The result as base64 of JSON, empty for none, or the dump of its stream; of a failure base64 of zlib. */
  "payload",
  /** Where in a dump the base64 begins, counted from 1; 0 if the payload is none. */
  "textFrom",
  /** Where in a dump the base64 ends; 0 if the payload is none. */
  "textTo",
  /** 1 if there may have been a heartbeat while it ran, else 0. */
  "hasHeartbeat",
  /** 1 if the job has waited for others, else 0. */
  "isChild",
  /** Seconds that the run took. */
  "workedSeconds",
] as const;

/** For a script, the place of each value: `local QUEUE, JOB_ID, … = 1, 2, …`. */
export function placesLua(names: RecordNames): string {
  const constants = names.map((name) =>
    name.replaceAll(/[A-Z]/g, "_$&").toUpperCase()
  );
  const places = names.map((_, i) => i + 1);
  return `local ${constants.join(", ")} = ${places.join(", ")}\n`;
}
