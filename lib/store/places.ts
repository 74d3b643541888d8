/**
 * The place of a job for each status. At every moment, a job that is enqueued is in exactly one place.
 *
 * @module
 */

import type { JobStatus } from "../job/status.ts";
import type { RegistryName } from "./keys.ts";

/**
 * The list of its queue, a registry (a sorted set), those who wait for a slot of the same rate limit or the turn of the
 * same fair key (sorted sets, too), or none. `wip` contains leases, the others contain ids of jobs.
 */
export type Place = "queue" | "limit" | "none" | RegistryName;

/** The place of each status. Only a job that has not been enqueued yet has none. */
const PLACES: Readonly<Record<JobStatus, Place>> = {
  created: "none",
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

const OTHERS: readonly string[] = ["queue", "limit", "none"];

const registries = Object.entries({ ...PLACES, ...RQ_PLACES })
  .filter(([, place]) => !OTHERS.includes(place))
  .map(([status, place]) => `${status} = '${place}'`);

/** The same for scripts. See {@linkcode link}. */
export const PLACES_LUA: string = `
-- The registry of each status that has one. Of the others, "rate_limited" has a place for each limit, and the rest the queue's list.
local REGISTRY = {${registries.join(", ")}}
`;
