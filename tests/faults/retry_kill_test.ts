/**
 * A worker is killed at each step of a job that fails and is tried again: when it is told of its job, before it tells of
 * the end of an attempt, and after Redis has recorded that. Each failure that Redis knows of has cost one retry, and the
 * job succeeds.
 */

import { assert, assertEquals } from "@std/assert";
import type { Bench, Ledger } from "../e2e/support.ts";
import { sized } from "../support/long.ts";
import { JOB, killAtStep } from "./kill_at_step.ts";

const RETRIES = 3;
/** How many runs of the job fail. */
const FAILURES = 2;

/** Kills a worker at a step of the job. */
function killed(nth: number, interval: number): Promise<boolean> {
  return killAtStep(
    nth,
    (bench, ledger) =>
      bench.queue("low").enqueueCall({
        func: "jobs.failsInFirstRuns",
        args: [ledger.path, FAILURES],
        jobId: JOB,
        retry: { max: RETRIES, interval },
      }),
    async (ended, bench, ledger) => {
      assertEquals(ended, "done");
      await assertCounted(bench, ledger);
    },
  );
}

async function assertCounted(bench: Bench, ledger: Ledger): Promise<void> {
  const reply = await bench.client.send("XRANGE", [
    `rq:results:${JOB}`,
    "-",
    "+",
  ]);
  const entries = (reply as [string, string[]][]).map(([, flat]) => {
    const at = (name: string) => flat[flat.indexOf(name) + 1];
    return { type: at("type"), execution: at("execution_id") };
  });
  const retried = entries.filter(({ type }) => type === RETRIED).length;
  assertEquals(entries.length, retried + 1, "one success, and failures");
  const executions = entries.map(({ execution }) => execution);
  assertEquals(
    new Set(executions).size,
    entries.length,
    "each end is of another run",
  );
  const field = (name: string) => bench.field(`rq:job:${JOB}`, name);
  assertEquals(Number(await field("retries_left")), RETRIES - retried);
  const runs = ledger.lines().length;
  assert(retried <= FAILURES && runs >= FAILURES + 1, `${retried} ${runs}`);
  // Only runs whose end Redis was not told are not among the results.
  const attempts = Number(await field("x_attempts"));
  assert(runs <= attempts && attempts <= entries.length + 1, `${attempts}`);
}

/** RQ's type of the result of an attempt that was tried again. */
const RETRIED = "4";

// Where each attempt is waited for, only a part of the steps is tried in an ordinary run.
Deno.test.each([
  { interval: 0, stride: 1 },
  { interval: 1, stride: sized(3, 1) },
])(
  "a worker that is killed at any step of a job with retries each $interval s costs at most a run, and no retry",
  async ({ interval, stride }) => {
    let nth = 1;
    while (await killed(nth, interval)) nth += stride;
    // told of it, tells its end, has told: for each of three runs
    assert(nth > 6, `there were only ${nth - 1} steps`);
  },
);
