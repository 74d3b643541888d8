import { assert, assertEquals } from "@std/assert";
import { PrefetchEstimator } from "../../lib/worker/prefetch_estimator.ts";

/** What is prefetched after jobs that took so many milliseconds. */
function prefetchAfter(concurrency: number, ...durations: number[]): number {
  const estimator = new PrefetchEstimator(concurrency);
  for (const ms of durations) estimator.note(ms);
  return estimator.prefetch;
}

Deno.test.each([
  ["no job is known yet", 1, [], 0],
  ["a job took a millisecond", 1, [1], 10],
  ["ten of them run at once", 10, [1], 100],
  ["a job took as long as all that is prefetched may", 1, [10], 1],
  ["a job took longer", 1, [11], 0],
  ["nothing is to be prefetched", 0, [0.1], 0],
  ["the clock says that a job took no time", 1, [0], 1_000],
])("PrefetchEstimator: %s", (_what, concurrency, durations, prefetch) => {
  assertEquals(prefetchAfter(concurrency, ...durations), prefetch);
});

Deno.test("PrefetchEstimator: one long job among short ones ends prefetching, and some short ones bring it back", () => {
  const short = Array.from({ length: 10 }, () => 0.5);
  assertEquals(prefetchAfter(1, ...short), 20);
  assertEquals(prefetchAfter(1, ...short, 1_000), 0);
  const back = Array.from({ length: 30 }, () => 0.5);
  assert(prefetchAfter(1, ...short, 1_000, ...back) > 0);
});
