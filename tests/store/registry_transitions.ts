/** The transitions of the table that act on registries. */

import { ENDED_STATUSES, type JobStatus } from "../../lib/job/status.ts";
import { cancelMany, deleteMany, requeueMany } from "../../lib/store/bulk.ts";
import type { RegistryName } from "../../lib/store/keys.ts";
import { removeFromRegistry } from "../../lib/store/registries.ts";
import { setFields } from "./job_circumstances.ts";
import { JOB, QUEUE } from "./job_states.ts";
import type { Stage, Transition } from "./transition_calls.ts";

const RUN = { token: "run", call: 2 } as const;

function requeue(...statuses: JobStatus[]): Transition {
  return {
    async run({ jobs }) {
      const place = { queue: QUEUE, statuses };
      const [answer] = await requeueMany(jobs, place, [JOB], RUN);
      return answer!.what;
    },
  };
}

function placeOf({ bench }: Stage, statuses: readonly JobStatus[]) {
  const key = statuses.includes("queued")
    ? bench.keys.queue(QUEUE)
    : statuses.includes("failed")
    ? bench.keys.registry("failed", QUEUE)
    : bench.keys.registry("wip", "other");
  return { queue: QUEUE, statuses, key };
}

function remove(...statuses: JobStatus[]): Transition {
  return {
    reports: true,
    run: async (stage) =>
      `${await deleteMany(stage.jobs, placeOf(stage, statuses), [JOB])}`,
  };
}

/** Sent again, it says that it has canceled what it canceled before. */
function cancel(...statuses: JobStatus[]): Transition {
  return {
    run: async ({ jobs }) =>
      `${await cancelMany(jobs, { queue: QUEUE, statuses }, [JOB])}`,
  };
}

function takeOff(name: RegistryName): Transition {
  return {
    reports: true,
    async run({ jobs }) {
      const registry = { queue: QUEUE, name };
      const removed = await removeFromRegistry(jobs, registry, JOB);
      return removed ? "removed" : "not-there";
    },
  };
}

/** Each of them, by the name that the table has for it. */
export const REGISTRY_TRANSITIONS: Readonly<Record<string, Transition>> = {
  "requeue the failed": requeue("failed", "stopped"),
  "requeue the finished": requeue("finished"),
  "requeue the canceled": requeue("canceled"),
  "requeue the scheduled": requeue("scheduled"),
  "requeued by this run before": {
    prepare: (stage) => setFields(stage, { x_change: "run 1" }),
    run: (stage) => requeue(...ENDED_STATUSES, "scheduled").run(stage),
  },
  "delete the queued": remove("queued"),
  "delete the started": remove("started"),
  "delete the failed": remove("failed", "stopped"),
  "delete the deferred": remove("deferred"),
  "cancel the queued": cancel("queued"),
  "cancel the started": cancel("started"),
  "remove from the failed": takeOff("failed"),
  "remove from the scheduled": takeOff("scheduled"),
};
