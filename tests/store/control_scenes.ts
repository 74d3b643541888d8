/** Calls that are sent twice, of what tells workers what not to do; see tests/store/replay_test.ts. */

import { pauseQueue, suspendWorkers } from "../../lib/store/pauses.ts";
import type { Scene } from "./replay_test.ts";

export const CONTROL_SCENES: [string, Scene][] = [
  [
    "pause",
    ({ jobs }) => Promise.resolve(() => pauseQueue(jobs, "q", Infinity)),
  ],
  [
    "suspend",
    ({ jobs }) => Promise.resolve(() => suspendWorkers(jobs, Infinity)),
  ],
  ["claim: paused", async ({ bench, worker, workers }) => {
    await bench.add("a");
    await pauseQueue(bench, "q", Infinity);
    return () => workers.claim(worker, { jobs: 1 });
  }],
];
