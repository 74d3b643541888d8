/**
 * Records that are passed between TypeScript and Lua as packed lists. Each is declared here, as the names of its values
 * in their order: TypeScript packs and reads it by these names, and a script gets the positions from
 * {@linkcode placesLua}, so that neither counts.
 *
 * Lists rather than maps, since names would be sent and parsed for every job.
 *
 * @module
 */

import type { RedisArg } from "../redis/redis_client.ts";

/** The names of a record's values in their order. The last may be `...name`, for any number of values. */
export type RecordNames = readonly string[];

/** The values of a record by name, without those of `...name`. */
export type RecordValues<N extends RecordNames> = {
  readonly [name in Exclude<N[number], `...${string}`>]: RedisArg;
};

/** What all jobs of one call share. */
export const NEW_JOBS = [
  /** The name of the queue. */
  "queue",
  /** `L` if they go to its head, `R` if to its tail. */
  "side",
  /** A second since 1970, and its date up to the seconds. */
  "second",
  "date",
] as const;

/** A job to enqueue. */
export const NEW_JOB = [
  "id",
  /** Its longest wait in the queue, in seconds; 0 for no limit. */
  "ttl",
  /** When it may run: seconds since 1970, or `+` and seconds from now; 0 for at once. */
  "due",
  /** The fields of its hash and their values alternately, among them `created_at` and `data`. */
  "...fields",
] as const;

/**
 * From how many bytes on the payload of an end is large: it is sent in a call of its own, which checks whether a full
 * Redis has room for it.
 */
export const LARGE_PAYLOAD: number = 64 * 1024;

/** How an execution ended, for the scripts that record ends. */
export const END = [
  /** The queue that the job was taken from. */
  "queue",
  "jobId",
  /** The execution's id. */
  "execution",
  /**
   * `finished`, `failed`, `stopped`, `requeued` (goes back to the head of its queue), `released` (the same, and it has
   * never begun) or `asleep` (goes on later).
   */
  "outcome",
  /** How many seconds the result or failure is kept; 0 not at all, -1 for ever. For `released`, seconds left in the queue. */
  "ttl",
  /**
   * The result as base64 of JSON (empty for none) or as the dump of its stream; a failure as base64 of zlib; for `asleep`
   * the JSON of a `Wake`.
   */
  "payload",
  /** Where in a dump the base64 begins, counted from 1; 0 if the payload is no dump. */
  "textFrom",
  /** Where in a dump the base64 ends; 0 if the payload is no dump. */
  "textTo",
  /** 1 if the job has waited for others, else 0. */
  "isChild",
  /** The key of its rate limit, of which it may have a slot; empty for none. */
  "limit",
  /** How many seconds the run took. */
  "workedSeconds",
  /** Which start of the job it was, counted from 1. */
  "attempt",
  /** Of a failure: `never` if the job is not to be tried again, `again` if it asks for that, else empty. */
  "retry",
  /** If it asks: after how many seconds, and how often in all; empty if it does not say. */
  "retryIn",
  "retryMax",
  /** A random number from 0 to below 1, for the jitter. */
  "random",
  /** Further fields of the result, and their values alternately. */
  "...facts",
] as const;

/**
 * A claimed job, with the fields of its hash before the claim, and `x_attempts` if it has been started before.
 */
export const CLAIMED = ["queue", "jobId", "execution", "fields"] as const;

/** An id that a claim has dropped; if it is empty, a queue that it could not use. */
export const SKIPPED = ["queue", "jobId", "reason"] as const;

/** The reply to a claim. */
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

/** Lua that defines the position of each value: `local QUEUE, JOB_ID, … = 1, 2, …`, with a prefix if there is one. */
export function placesLua(names: RecordNames, prefix = ""): string {
  const constants = names.map((name) => (prefix + luaName(name)).toUpperCase());
  const places = names.map((_, i) => i + 1);
  return `local ${constants.join(", ")} = ${places.join(", ")}\n`;
}

/** Lua variables for the values of a record: `queue, job_id, …`. */
export function localsLua(names: RecordNames): string {
  return names.map(luaName).join(", ");
}

/** A Lua table that creates a record from an expression for each value: `{q, id, …}`. */
export function listLua<N extends RecordNames>(
  names: N,
  expressions: Readonly<Record<N[number], string>>,
): string {
  return `{${names.map((name) => expressions[name as N[number]]).join(", ")}}`;
}

function luaName(name: string): string {
  return name.replace("...", "").replaceAll(/[A-Z]/g, "_$&").toLowerCase();
}
