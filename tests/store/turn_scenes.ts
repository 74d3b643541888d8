/** Calls that are sent twice, of jobs with a fair key; see tests/store/replay_test.ts. */

import type { RedisArg } from "../../lib/redis/redis_client.ts";
import { FAIR } from "./job_circumstances.ts";
import type { Scene, Twice } from "./replay_test.ts";
import { endOne, newJob } from "./support.ts";

/** Jobs `a`, `b` and `c` of one key, in their order; `a` has the turn. */
async function threeOf({ bench }: Pick<Twice, "bench">): Promise<void> {
  for (const id of ["a", "b", "c"]) await bench.add(id, { fields: FAIR });
}

/** The turn that the first of them gives on goes to one job, and to no second one when the call is sent again. */
function after(
  call: (twice: Twice) => Promise<unknown>,
  ...commands: RedisArg[][]
): Scene {
  return async (twice) => {
    await threeOf(twice);
    for (const [name, ...args] of commands) {
      await twice.bench.send(String(name), ...args);
    }
    return () => call(twice);
  };
}

/** What answers the same. */
export const TURN_SCENES: [string, Scene][] = [
  ["enqueue: fair", ({ jobs }) => {
    const job = newJob("a", { fields: FAIR });
    return Promise.resolve(() => jobs.enqueue(job));
  }],
  ["enqueue: not its turn", async ({ bench, jobs }) => {
    await threeOf({ bench });
    const job = newJob("d", { fields: FAIR, atFront: true });
    return () => jobs.enqueue(job);
  }],
  [
    "claim: fair",
    after(({ workers, worker }) => workers.claim(worker, { jobs: 1 })),
  ],
  [
    "claim: fair, many",
    after(({ workers, worker }) =>
      workers.claim(worker, { jobs: 2, prefetch: 1 })
    ),
  ],
  ["cancel: has the turn", after(({ jobs }) => jobs.cancel("a"))],
  ["cancel: waits for its turn", after(({ jobs }) => jobs.cancel("b"))],
  ["finish: fair, retried", async ({ bench, workers, worker }) => {
    await bench.add("a", { fields: { ...FAIR, retries_left: 1 } });
    await bench.add("b", { fields: FAIR });
    const execution = await bench.claim(worker);
    const end = {
      outcome: "failed",
      ttl: 500,
      payload: "",
      workedMs: 5,
    } as const;
    return () => endOne(workers, worker, execution, end);
  }],
];

/** What may answer that nothing was to be done. */
export const TURN_REPORTS: [string, Scene][] = [
  ["delete: has the turn", after(({ jobs }) => jobs.delete("a"))],
  ["take off: has the turn", after(({ jobs }) => jobs.remove("q", "a"))],
  ["delete the queue: fair", after(({ jobs }) => jobs.deleteQueue("q"))],
  [
    "pass turns",
    after(({ sweeps }) => sweeps.passTurns("q", "0"), ["DEL", "rq:job:a"]),
  ],
  ["empty: fair", after(({ jobs }) => jobs.empty("q"))],
];
