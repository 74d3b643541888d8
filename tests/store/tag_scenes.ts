/** Calls that are sent twice, of jobs with tags; see tests/store/replay_test.ts. */

import type { Scene } from "./replay_test.ts";
import { endOne, newJob } from "./support.ts";

const fields = { x_tags: `["a","b"]` };

export const TAG_SCENES: [string, Scene][] = [
  ["enqueue: tagged", ({ jobs }) => {
    return Promise.resolve(() => jobs.enqueue(newJob("a", { fields })));
  }],
  ["finish: tagged", async ({ bench, worker, workers }) => {
    await bench.add("a", { fields });
    const execution = await bench.claim(worker);
    const end = {
      outcome: "finished" as const,
      ttl: 500,
      payload: "",
      workedMs: 5,
    };
    return () => endOne(workers, worker, execution, end);
  }],
  ["finish: tagged, not kept", async ({ bench, worker, workers }) => {
    await bench.add("a", { fields });
    const execution = await bench.claim(worker);
    const end = {
      outcome: "finished" as const,
      ttl: 0,
      payload: "",
      workedMs: 5,
    };
    return () => endOne(workers, worker, execution, end);
  }],
  ["clean tags", async ({ bench, sweeps }) => {
    await bench.add("a", { fields });
    await bench.send("DEL", "rq:job:a");
    await bench.send("ZADD", bench.keys.tag("q", "a"), 1, "a");
    await bench.send("ZADD", bench.keys.tags, 1, "1:q:a");
    return () => sweeps.cleanTags();
  }],
];
