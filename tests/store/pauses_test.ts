/** What pauses and suspensions keep from being claimed. */

import { assert, assertEquals } from "@std/assert";
import {
  areWorkersSuspended,
  pausedUntil,
  pauseQueue,
  resumeQueue,
  resumeWorkers,
  suspendWorkers,
} from "../../lib/store/pauses.ts";
import { Bench } from "./support.ts";

Deno.test("a claim skips paused queues, tells which, and takes what others have", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker("w1", ["a", "b", "c"]);
  for (const queue of ["a", "b", "c"]) {
    await bench.add(`in-${queue}`, { queue });
  }
  await pauseQueue(bench, "a", Infinity);
  await pauseQueue(bench, "c", Infinity);
  await pauseQueue(bench, "other", Infinity);
  const want = { jobs: 3, prefetch: 3 };
  const reply = await bench.workers.claim(worker, want);
  assertEquals(reply.executions.map(({ job }) => job.id), ["in-b"]);
  assertEquals(
    reply.skipped.toSorted((x, y) => x.queue < y.queue ? -1 : 1),
    ["a", "c"].map((queue) => ({ queue, jobId: "", reason: "paused" })),
  );
  assert(await resumeQueue(bench, "a"));
  assertEquals((await bench.claim(worker)).job.id, "in-a");
  const last = await bench.tryClaim(worker);
  assertEquals([last.kind, last.skipped.length], ["empty", 1]);
});

Deno.test("what was popped off a paused queue goes back to its head", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["a", "b"]) await bench.add(id);
  await bench.send(
    "LMOVE",
    bench.keys.queue("q"),
    bench.keys.intermediate("q"),
    "LEFT",
    "RIGHT",
  );
  await pauseQueue(bench, "q", Infinity);
  const popped = [{ queue: "q", jobId: "a" }];
  assertEquals((await bench.tryClaim(worker, popped)).kind, "empty");
  assertEquals(await bench.queued(), ["a", "b"]);
});

Deno.test("a pause that is over is forgotten by the next claim, and by nobody who only looks", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  await bench.send("HSET", bench.keys.paused, "q", "1700000000.5");
  assertEquals(await pausedUntil(bench, ["q"]), [null]);
  assertEquals(await bench.send("EXISTS", bench.keys.paused), 1);
  assertEquals((await bench.claim(worker)).job.id, "a");
  assertEquals(await bench.send("EXISTS", bench.keys.paused), 0);
});

Deno.test("the end of a pause is the server's time, and a later call replaces it", async () => {
  await using bench = await Bench.open();
  await pauseQueue(bench, "a", 60);
  await pauseQueue(bench, "b", Infinity);
  const [a, b, c] = await pausedUntil(bench, ["a", "b", "c"]);
  const [seconds] = await bench.send("TIME") as string[];
  const left = a! / 1_000 - Number(seconds);
  assert(left > 30 && left <= 61, `${left} s`);
  assertEquals([b, c], [Infinity, null]);
  await pauseQueue(bench, "a", Infinity);
  assertEquals(await pausedUntil(bench, ["a"]), [Infinity]);
  assertEquals(await pausedUntil(bench, []), []);
  assertEquals(await resumeQueue(bench, "a"), true);
  assertEquals(await resumeQueue(bench, "a"), false);
});

Deno.test("a pause whose end cannot be read lasts until somebody resumes the queue", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  await bench.send("HSET", bench.keys.paused, "q", "soon");
  assertEquals((await bench.tryClaim(worker)).kind, "empty");
  assertEquals(await pausedUntil(bench, ["q"]), [Infinity]);
  await resumeQueue(bench, "q");
  assertEquals((await bench.claim(worker)).job.id, "a");
});

Deno.test("another type of value under the key of pauses pauses nothing", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  await bench.send("SET", bench.keys.paused, "text");
  assertEquals(await pausedUntil(bench, ["q"]), [null]);
  assertEquals((await bench.claim(worker)).job.id, "a");
});

Deno.test("a queue that is deleted is not paused when it is used again", async () => {
  await using bench = await Bench.open();
  await pauseQueue(bench, "q", Infinity);
  await bench.jobs.deleteQueue("q");
  assertEquals(await pausedUntil(bench, ["q"]), [null]);
});

Deno.test("a suspension is RQ's key, with or without an end", async () => {
  await using bench = await Bench.open();
  assertEquals(await areWorkersSuspended(bench), false);
  await suspendWorkers(bench, 60);
  assertEquals(await bench.send("GET", "rq:suspended"), "1");
  const left = Number(await bench.send("TTL", "rq:suspended"));
  assert(left > 30 && left <= 60, `${left} s`);
  await suspendWorkers(bench, Infinity);
  assertEquals(await bench.send("TTL", "rq:suspended"), -1);
  assertEquals(await areWorkersSuspended(bench), true);
  assertEquals(await resumeWorkers(bench), true);
  assertEquals(await resumeWorkers(bench), false);
});

Deno.test("a claim asks for all pauses and suspensions by one command", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker("w1", ["a", "b", "c"]);
  await bench.add("x", { queue: "b" });
  await bench.send("CONFIG", "RESETSTAT");
  await bench.claim(worker);
  const stats = String(await bench.send("INFO", "commandstats"));
  const [, calls] = /cmdstat_exists:calls=(\d+)/.exec(stats) ?? [];
  assertEquals(Number(calls), 1);
});
