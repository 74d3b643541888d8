/** What is kept of a job's steps. */

import { assert, assertEquals } from "@std/assert";
import { LEAST_KEPT, MOST_KEPT } from "../../lib/job/steps.ts";
import { keepStep, lookAtWait, signal } from "../../lib/store/steps.ts";
import { texts } from "../../lib/store/replies.ts";
import type {
  Execution,
  WorkerIdentity,
} from "../../lib/store/worker_types.ts";
import { Bench } from "./support.ts";

async function running(
  bench: Bench,
  fields: Readonly<Record<string, string | number>> = {},
): Promise<{ worker: WorkerIdentity; execution: Execution }> {
  const worker = await bench.worker();
  await bench.add("a", { fields });
  return { worker, execution: await bench.claim(worker) };
}

const asleep = (at: number | null, ...signals: string[]) => ({
  outcome: "asleep" as const,
  ttl: 0,
  payload: JSON.stringify({ at, signals }),
});

Deno.test("steps and signals share their room, and each counts half a kilobyte at least", async () => {
  await using bench = await Bench.open();
  const { workers, jobs } = bench;
  const { execution } = await running(bench);
  assertEquals(await keepStep(workers, execution, "a", "1"), "kept");
  const large = "x".repeat(MOST_KEPT - 2 * LEAST_KEPT);
  assertEquals(await keepStep(workers, execution, "large", large), "kept");
  const { type } = await signal(jobs, "a", "large", "x".repeat(LEAST_KEPT));
  assertEquals(type, "full");
  const small = { name: "b", forSignal: true };
  assertEquals((await lookAtWait(workers, execution, small)).type, "full");
  assertEquals(await bench.field("a", "x_wait:b"), null);
});

Deno.test("a wait keeps the time at which it began to end, and how it ended", async () => {
  await using bench = await Bench.open();
  const { workers, jobs } = bench;
  const { execution } = await running(bench);
  const wait = { name: "go", forSignal: true };
  const first = await lookAtWait(workers, execution, { ...wait, seconds: 60 });
  assert(first.type === "due" && first.at !== null);
  const again = await lookAtWait(workers, execution, { ...wait, seconds: 9 });
  assertEquals(again, first);
  await bench.send("HSET", "rq:job:a", "x_wait:go", "1");
  assertEquals(await lookAtWait(workers, execution, wait), { type: "over" });
  assertEquals((await signal(jobs, "a", "go", "1")).type, "late");
  assertEquals(await lookAtWait(workers, execution, wait), { type: "over" });
});

Deno.test("a sleep is no attempt: the next run has the number of the last one", async () => {
  await using bench = await Bench.open();
  const { worker, execution } = await running(bench, { retries_left: 1 });
  await bench.end(worker, execution, asleep(1));
  await bench.sweep();
  const second = await bench.claim(worker);
  assertEquals(second.job.integer("x_attempts"), undefined);
  await bench.end(worker, second, { outcome: "failed" });
  const third = await bench.claim(worker);
  assertEquals(third.job.integer("x_attempts"), 2);
  await bench.end(worker, third, asleep(1));
  await bench.sweep();
  const fourth = await bench.claim(worker);
  assertEquals(fourth.job.integer("x_attempts"), 2);
});

Deno.test("a job sleeps until its time, or about a century if there is none", async () => {
  await using bench = await Bench.open();
  const { worker, execution } = await running(bench);
  await bench.end(worker, execution, asleep(4_000_000_000.25, "go"));
  const score = () => bench.send("ZSCORE", "rq:scheduled:q", "a");
  assertEquals(await score(), "4000000000.25");
  assertEquals(await bench.field("a", "x_waits_for"), `["go"]`);
  await signal(bench.jobs, "a", "go", "");
  const next = await bench.claim(worker);
  await bench.end(worker, next, asleep(null));
  assert(Number(await score()) > Date.now() / 1_000 + 99 * 365 * 86_400);
  assertEquals(await bench.field("a", "x_waits_for"), null);
});

Deno.test("a job that waits gives its slot of a rate limit back", async () => {
  await using bench = await Bench.open();
  const limit = { rate_limit_key: "key", rate_limit_concurrency: 1 };
  const { worker, execution } = await running(bench, limit);
  await bench.add("b", { fields: limit });
  assertEquals(await bench.queued(), []);
  await bench.end(worker, execution, asleep(null, "go"));
  assertEquals(await bench.queued(), ["b"]);
  await signal(bench.jobs, "a", "go", "1");
  assertEquals(await bench.status("a"), "rate_limited");
  await bench.run(worker);
  assertEquals(await bench.queued(), ["a"]);
});

Deno.test("a job that is repeated has no steps any more, and one that is requeued has", async () => {
  await using bench = await Bench.open();
  const { workers, jobs } = bench;
  const { worker, execution } = await running(bench, { repeats_left: 1 });
  await keepStep(workers, execution, "one", "1");
  await bench.end(worker, execution, { outcome: "failed" });
  await jobs.requeue("a", false);
  const second = await bench.claim(worker);
  assertEquals(second.job.kept("x_step:one"), "1");
  await lookAtWait(workers, second, { name: "go", forSignal: true });
  await lookAtWait(workers, second, {
    name: "#1",
    forSignal: false,
    seconds: 1,
  });
  await signal(jobs, "a", "go", "1");
  await bench.end(worker, second);
  assertEquals(await bench.status("a"), "queued");
  const names = texts(await bench.send("HKEYS", "rq:job:a"));
  assertEquals(names.filter((name) => /^x_(s|wait)/.test(name)), []);
});
