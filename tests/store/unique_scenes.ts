/** Calls that are sent twice, of jobs with a unique key; see tests/store/replay_test.ts. */

import { formatDate, uniqueMicros } from "../../lib/base/date.ts";
import type { Scene } from "./replay_test.ts";
import { type Bench, newJob } from "./support.ts";

/** A job with the key `k`, as a producer makes it: no two have the same time. */
function uniqueJob(id: string, how: string, due?: string) {
  const created_at = formatDate(uniqueMicros());
  const fields = { x_unique: "k", x_unique_how: how, created_at };
  return newJob(id, due === undefined ? { fields } : { fields, due });
}

/** The call for a new job, whose key is free, or held by the job `a`. */
function enqueueing(how: string, due?: string, taken?: string): Scene {
  return async ({ bench, jobs }) => {
    if (taken !== undefined) {
      await bench.jobs.enqueue(uniqueJob("a", taken, due));
    }
    const job = uniqueJob("b", how, due);
    return () => jobs.enqueue(job).catch((error) => error.message);
  };
}

async function failOne(bench: Bench, id: string): Promise<void> {
  const worker = await bench.worker();
  await bench.jobs.enqueue(uniqueJob(id, "ended error"));
  await bench.run(worker, { outcome: "failed" });
}

/** Nobody skips, replaces or puts off what the first sending of the same call has enqueued. */
export const UNIQUE_SCENES: [string, Scene][] = [
  ["enqueue: its key is free", enqueueing("ended error")],
  ["enqueue: its key is free, skip", enqueueing("started skip")],
  ["enqueue: its key is free, replace", enqueueing("ended replace")],
  ["enqueue: its key is free for a time", enqueueing("60 skip")],
  [
    "enqueue: its key is free, debounce",
    enqueueing("started debounce 60", "+5"),
  ],
  [
    "enqueue: its key is taken",
    enqueueing("ended error", undefined, "ended error"),
  ],
  [
    "enqueue: its key is taken, skip",
    enqueueing("ended skip", undefined, "ended error"),
  ],
  [
    "enqueue: its key is taken, replace",
    enqueueing("ended replace", undefined, "ended error"),
  ],
  [
    "enqueue: its key is taken for a time, skip",
    enqueueing("60 skip", undefined, "60 skip"),
  ],
  [
    "enqueue: its key is taken, debounce",
    enqueueing("started debounce 60", "+5", "started debounce 60"),
  ],
  ["enqueue: an id that is to be unique", ({ jobs }) => {
    const job = newJob("a", { fields: { x_unique_how: "id" } });
    return Promise.resolve(() => jobs.enqueue(job));
  }],
  ["requeue: its key is free", async ({ bench, jobs }) => {
    await failOne(bench, "a");
    return () => jobs.requeue("a", false);
  }],
  ["requeue: its key is taken", async ({ bench, jobs }) => {
    await failOne(bench, "a");
    await bench.jobs.enqueue(uniqueJob("b", "ended error"));
    return () => jobs.requeue("a", false);
  }],
  ["clean unique keys: none", ({ sweeps }) => {
    return Promise.resolve(() => sweeps.cleanUnique());
  }],
];

/** The same, where the second answer may be another one. */
export const UNIQUE_REPORTS: [string, Scene][] = [
  ["free a unique key", async ({ bench, jobs }) => {
    await bench.jobs.enqueue(uniqueJob("a", "ended error"));
    return () => jobs.freeUnique("q", "k");
  }],
  ["clean unique keys", async ({ bench, sweeps }) => {
    await bench.jobs.enqueue(uniqueJob("a", "ended error"));
    await bench.send("DEL", "rq:job:a");
    await bench.send("ZADD", "rq:x_unique_keys", 1, "1:q:k");
    return () => sweeps.cleanUnique();
  }],
];
