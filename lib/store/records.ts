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

/** The names of a record's values in their order. The last may be one of any number of values, `...name`. */
export type RecordNames = readonly string[];

/** The values of a record, by name; without those that follow at its end. */
export type RecordValues<N extends RecordNames> = {
  readonly [name in Exclude<N[number], `...${string}`>]: RedisArg;
};

/** What is said once for all jobs of a call that enqueues. */
export const NEW_JOBS = [
  /** The name of the queue. */
  "queue",
  /** `L` if they go to its head, `R` if to its tail. */
  "side",
  /** Some second since 1970, and the same as a date up to there. */
  "second",
  "date",
] as const;

/** A job that is enqueued. */
export const NEW_JOB = [
  "id",
  /** The longest that it may wait, in seconds; 0 for any time. */
  "ttl",
  /** When it may run: seconds since 1970, or `+` and seconds from now; 0 for at once. */
  "due",
  /** The fields of its hash with their values, one after the other: `created_at` and `data` are among them. */
  "...fields",
] as const;

/**
 * Bytes from which on the payload of an end is large: it goes in a call of its own, for which a full Redis is asked whether
 * it has room.
 */
export const LARGE_PAYLOAD: number = 64 * 1024;

/** How an execution ended, as the scripts take it that record ends. */
export const END = [
  /** The queue that the job was taken from. */
  "queue",
  "jobId",
  /** The execution's id. */
  "execution",
  /**
   * `finished`, `failed`, `stopped`, `requeued` (put back at the head) or `released` (likewise, it has not
   * begun).
   */
  "outcome",
  /** Seconds that the result or the failure is kept, 0 not at all, -1 for ever; of a released job, that it may still wait. */
  "ttl",
  /** The result as base64 of JSON, empty for none, or the dump of its stream; of a failure base64 of zlib. */
  "payload",
  /** Where in a dump the base64 begins, counted from 1; 0 if the payload is none. */
  "textFrom",
  /** Where in a dump the base64 ends; 0 if the payload is none. */
  "textTo",
  /** 1 if the job has waited for others, else 0. */
  "isChild",
  /** Seconds that the run took. */
  "workedSeconds",
] as const;

/**
 * A job that a worker has leased, with the fields of its hash and their values as they were before; with how often it was
 * started, if not for the first time.
 */
export const CLAIMED = ["queue", "jobId", "execution", "fields"] as const;

/** An id that a claim has dropped, or, where that is empty, a queue that it could not use. */
export const SKIPPED = ["queue", "jobId", "reason"] as const;

/** What a claim replies. */
export const CLAIM_REPLY = [
  /** See CLAIM. */
  "kind",
  /** In milliseconds since 1970. */
  "serverTime",
  /** A list of {@linkcode SKIPPED}. */
  "skipped",
  /** A list of {@linkcode CLAIMED}. */
  "executions",
] as const;

/** For a script, the place of each value: `local QUEUE, JOB_ID, … = 1, 2, …`. */
export function placesLua(names: RecordNames): string {
  const constants = names.map((name) => luaName(name).toUpperCase());
  const places = names.map((_, i) => i + 1);
  return `local ${constants.join(", ")} = ${places.join(", ")}\n`;
}

/** For a script that takes a record apart, a variable for each value: `queue, job_id, …`. */
export function localsLua(names: RecordNames): string {
  return names.map(luaName).join(", ");
}

/** For a script that makes a record, the table out of an expression for each value: `{q, id, …}`. */
export function listLua<N extends RecordNames>(
  names: N,
  expressions: Readonly<Record<N[number], string>>,
): string {
  return `{${names.map((name) => expressions[name as N[number]]).join(", ")}}`;
}

function luaName(name: string): string {
  return name.replace("...", "").replaceAll(/[A-Z]/g, "_$&").toLowerCase();
}
