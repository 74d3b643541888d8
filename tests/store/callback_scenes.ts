/** Ends of jobs that have callbacks, for the tests of calls that are sent twice. */

import type { Scene } from "./replay_test.ts";
import type { AddOptions } from "./support.ts";
import { type Ending, endOne, sweepAll } from "./support.ts";

/** Fields of a job that has all callbacks. */
export const CALLBACKS: NonNullable<AddOptions["fields"]> = {
  success_callback_name: "jobs.done",
  failure_callback_name: "jobs.failed",
  failure_callback_timeout: 5,
  stopped_callback_name: "jobs.stopped",
};

/** Fields of a job that has a webhook for some ends, in RQ's words and in ours. */
const WEBHOOKS = {
  webhooks: `[{"url":"http://a.b","job_status":"finished"}]`,
  x_webhooks:
    `[{"url":"http://a.b","job_status":"finished"},{"url":"http://a.b","job_status":"canceled"}]`,
};

function ending(
  outcome: Ending["outcome"],
  ttl = 500,
  fields: AddOptions["fields"] = {},
): Scene {
  return async ({ bench, worker, workers }) => {
    await bench.add("a", { fields: { ...CALLBACKS, ...fields } });
    await bench.add("b");
    const execution = await bench.claim(worker);
    const end = { outcome, ttl, payload: "", workedMs: 5 };
    return () => endOne(workers, worker, execution, end);
  };
}

/** Each answers the same when it is sent twice. */
export const CALLBACK_SCENES: [string, Scene][] = [
  ["callbacks: finished", ending("finished")],
  ["callbacks: finished, not kept", ending("finished", 0)],
  [
    "callbacks: finished, repeated",
    ending("finished", 500, { repeats_left: 1 }),
  ],
  ["callbacks: failed", ending("failed")],
  ["callbacks: failed, not kept", ending("failed", 0)],
  [
    "callbacks: failed, a retry is left",
    ending("failed", 500, { retries_left: 1 }),
  ],
  ["callbacks: stopped", ending("stopped")],
  ["callbacks: canceled", async ({ bench, jobs }) => {
    await bench.add("a", { fields: CALLBACKS });
    return () => jobs.cancel("a");
  }],
  ["webhooks: finished", ending("finished", 500, WEBHOOKS)],
  ["webhooks: finished, not kept", ending("finished", 0, WEBHOOKS)],
  ["webhooks: canceled", async ({ bench, jobs }) => {
    await bench.add("a", { fields: WEBHOOKS });
    return () => jobs.cancel("a");
  }],
];

/** Its second answer may be another one. */
export const CALLBACK_REPORTS: [string, Scene][] = [
  ["callbacks: abandoned", async ({ bench, worker, sweeps }) => {
    await bench.add("a", { fields: CALLBACKS });
    for (let loss = 0; loss < 4; loss++) {
      await bench.expire(await bench.claim(worker));
      if (loss < 3) await bench.sweep();
    }
    return () => sweepAll(sweeps, "q");
  }],
];
