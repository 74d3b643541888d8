/** Calls around jobs that are created first, for the test that sends each twice. */

import { create, enqueueCreated } from "../../lib/store/created_jobs.ts";
import type { Scene } from "./replay_test.ts";
import { newJob } from "./support.ts";

const OPTIONS = { queue: "q", resend: true };

/** Creates a job, and gives the call that enqueues it. */
function enqueueing(
  job: Parameters<typeof newJob>[1],
  options: { atFront?: boolean } = {},
): Scene {
  return async ({ bench, jobs }) => {
    await bench.add("b");
    await create(bench.jobs, newJob("a", job));
    return () => enqueueCreated(jobs, "a", { ...OPTIONS, ...options });
  };
}

export const CREATED_SCENES: [string, Scene][] = [
  ["create", ({ jobs }) => {
    const job = newJob("a", { due: "+60", dependsOn: ["p"] });
    return Promise.resolve(() => create(jobs, job));
  }],
  ["create: over one that has ended", async ({ bench, worker, jobs }) => {
    await bench.add("a");
    await bench.run(worker);
    return () => create(jobs, newJob("a"));
  }],
  ["create: duplicate", async ({ bench, jobs }) => {
    await bench.add("a");
    return () => create(jobs, newJob("a")).catch((error) => error.message);
  }],
  ["enqueue created: queued", enqueueing({ ttl: 300 })],
  ["enqueue created: at the front", enqueueing({}, { atFront: true })],
  ["enqueue created: deferred", enqueueing({ dependsOn: ["b"], due: "+60" })],
  ["enqueue created: scheduled", enqueueing({ due: "+60" })],
  [
    "enqueue created: rate limited",
    enqueueing({ fields: { rate_limit_key: "k", rate_limit_concurrency: 1 } }),
  ],
  ["enqueue created: not created", async ({ bench, jobs }) => {
    await bench.add("a");
    return () => enqueueCreated(jobs, "a", OPTIONS);
  }],
  [
    "enqueue created: gone",
    ({ jobs }) => Promise.resolve(() => enqueueCreated(jobs, "a", OPTIONS)),
  ],
];
