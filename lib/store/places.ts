/**
 * The place of a job for each status. At every moment, a job is in exactly one place.
 *
 * @module
 */

import type { JobStatus } from "../job/status.ts";
import type { RegistryName } from "./keys.ts";

/**
 * The list of its queue, a registry (a sorted set), or those who wait for a slot of the same rate limit (a sorted set, too).
 * `wip` contains leases, the others contain ids of jobs.
 */
export type Place = "queue" | "limit" | RegistryName;

/** The place of each status. */
const PLACES: Readonly<Record<JobStatus, Place>> = {
  queued: "queue",
  deferred: "deferred",
  scheduled: "scheduled",
  rate_limited: "limit",
  started: "wip",
  finished: "finished",
  failed: "failed",
  stopped: "failed",
  canceled: "canceled",
};

/** RQ's registry of jobs that it is about to enqueue. */
const RQ_PLACES = { ready_to_enqueue: "ready" };

const registries = Object.entries({ ...PLACES, ...RQ_PLACES })
  .filter(([, place]) => place !== "queue" && place !== "limit")
  .map(([status, place]) => `${status} = '${place}'`);

/** The same for scripts. See {@linkcode link}. */
export const PLACES_LUA: string = `
-- The registry of each status that has one. Of the others, "rate_limited" has a place for each limit, and the rest the queue's list.
local REGISTRY = {${registries.join(", ")}}
`;
