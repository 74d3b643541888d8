/**
 * Where a job can be found, by its status. A job is at every moment in exactly one place.
 *
 * @module
 */

import type { JobStatus } from "../job/status.ts";
import type { RegistryName } from "./keys.ts";

/** The list of its queue, or a registry: a sorted set. In `wip` stand leases, in the others the ids of jobs. */
export type Place = "queue" | RegistryName;

/** The place of each status. */
const PLACES: Readonly<Record<JobStatus, Place>> = {
  queued: "queue",
  deferred: "deferred",
  scheduled: "scheduled",
  started: "wip",
  finished: "finished",
  failed: "failed",
  stopped: "failed",
  canceled: "canceled",
};

/** The registry of jobs that RQ is about to enqueue. Those that its rate limits hold back have one for each limit. */
const RQ_PLACES = { ready_to_enqueue: "ready" };

const registries = Object.entries({ ...PLACES, ...RQ_PLACES })
  .filter(([, place]) => place !== "queue")
  .map(([status, place]) => `${status} = '${place}'`);

/** The same for scripts. See {@linkcode link}. */
export const PLACES_LUA: string = `
-- The registry of each status that has one; the place of all others is the queue's list.
local REGISTRY = {${registries.join(", ")}}
`;
