/**
 * Tests of a program that enqueues, and of its jobs, without Redis and without a worker.
 *
 * ```sh
 * deno test -A examples/testing.ts
 * ```
 */

import { capture, Queue, runJob } from "@deno-rq/rq/testing";
import { assertEquals } from "@std/assert";
import { greet } from "./job_jobs.ts";
import { collect } from "./testing_jobs.ts";
import { hello } from "./rq_test.ts";

/** What is tested: it enqueues on a queue of its own. */
async function signUp(name: string): Promise<void> {
  await using queue = new Queue("low");
  await queue.enqueue(hello, name);
  await greet.with({ in: "1d" }).enqueue(name);
}

Deno.test("signing up greets at once, and again after a day", async () => {
  using captured = capture();
  await signUp("yangyi");
  captured.assertEnqueued(hello, ["yangyi"], { queue: "low" });
  const later = captured.assertEnqueued(greet, ["yangyi"]);
  assertEquals(await captured.drain(), 1);
  assertEquals(await later.getStatus(), "scheduled");
  await captured.drain({ scheduled: true });
  assertEquals(await later.result(), "hello, yangyi");
});

Deno.test("a job tells what it has done", async () => {
  const { result, meta, enqueued } = await runJob(collect, [["a", "b"]]);
  assertEquals([result, meta, enqueued.length], [2, { last: "b" }, 2]);
});

Deno.test("a queue that is not async runs its jobs at once", async () => {
  await using queue = new Queue("low", { isAsync: false });
  const job = await queue.enqueue(collect, ["a"]);
  assertEquals(await job.wait(), 1);
});
