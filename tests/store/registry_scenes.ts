/** Calls on many jobs of one place that are sent twice; see tests/store/replay_test.ts. */

import type { JobStatus } from "../../lib/job/status.ts";
import { cancelMany, deleteMany, requeueMany } from "../../lib/store/bulk.ts";
import { removeFromRegistry } from "../../lib/store/registries.ts";
import type { Scene, Twice } from "./replay_test.ts";

const FAILED: readonly JobStatus[] = ["failed", "stopped"];
const RUN = { token: "run", call: 1 } as const;

/** Two failed jobs, of which one has a job that waits for it, and one that has not failed. */
async function threeJobs({ bench, worker }: Twice): Promise<string[]> {
  for (const id of ["a", "b"]) {
    await bench.add(id);
    await bench.run(worker, { outcome: "failed" });
  }
  await bench.add("child", {
    dependsOn: ["a"],
    fields: { allow_dependency_failures: 1 },
  });
  await bench.add("c");
  return ["a", "b", "c", "nobody"];
}

/** Those whose second answer is the same. */
export const REGISTRY_SCENES: [string, Scene][] = [
  ["requeue many", async (twice) => {
    const ids = await threeJobs(twice);
    const place = { queue: "q", statuses: FAILED };
    return () => requeueMany(twice.jobs, place, ids, RUN);
  }],
  ["cancel many", async (twice) => {
    const ids = await threeJobs(twice);
    const statuses: JobStatus[] = ["queued", "failed"];
    return () => cancelMany(twice.jobs, { queue: "q", statuses }, ids);
  }],
];

/** Those whose second answer is that nothing was done. */
export const REGISTRY_REPORTS: [string, Scene][] = [
  ["delete many", async (twice) => {
    const ids = await threeJobs(twice);
    const key = twice.bench.keys.registry("failed", "q");
    const place = { queue: "q", statuses: FAILED, key };
    return () => deleteMany(twice.jobs, place, ids);
  }],
  ["remove from a registry", async (twice) => {
    await threeJobs(twice);
    const registry = { queue: "q", name: "failed" } as const;
    return () => removeFromRegistry(twice.jobs, registry, "b");
  }],
];
