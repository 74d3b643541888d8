/** Many waits, one connection, and what happens to it. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { JobFailedError } from "../../lib/base/errors.ts";
import { Job } from "../../lib/queue/job.ts";
import { waitFor } from "../support/wait_for.ts";
import { blocked, Desk } from "./support.ts";

Deno.test("a thousand waits share one connection", async () => {
  await using desk = await Desk.open();
  const before = await desk.clients();
  const jobs = await desk.queue.enqueueMany(
    Array.from({ length: 1_000 }, (_, i) => ({ func: "f.g", args: [i] })),
  );
  const waits = Promise.all(jobs.map((job) => job.wait()));
  await blocked(desk);
  const clients = await desk.clients();
  assert(clients <= before + 2, `${clients} after ${before}`);
  await desk.bench.send("CONFIG", "RESETSTAT");
  for (let i = 0; i < 1_000; i++) await desk.finish(String(i));
  assertEquals(await waits, jobs.map((_, i) => i));
});

Deno.test("waits that begin one after the other do not make Redis work more and more", async () => {
  await using desk = await Desk.open();
  const jobs = await desk.queue.enqueueMany(Array(300).fill({ func: "f.g" }));
  const waits = [];
  await desk.bench.send("CONFIG", "RESETSTAT");
  for (const job of jobs) {
    waits.push(job.wait());
    await job.getStatus();
  }
  const stats = String(await desk.bench.send("INFO", "commandstats"));
  const scripts = Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1]);
  for (let i = 0; i < 300; i++) await desk.finish();
  await Promise.all(waits);
  assert(scripts < 5_000, `${scripts} script calls for 300 waits`);
});

Deno.test("several waits for one job all get its result", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  const waits = Promise.all([job.wait(), job.wait(), job.wait()]);
  await blocked(desk);
  await desk.finish("5");
  assertEquals(await waits, [5, 5, 5]);
});

Deno.test("waits for fetched jobs that share a connection share the blocking one too", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  const made = await desk.queue.enqueueMany(Array(20).fill({ func: "f.g" }));
  const before = await desk.clients();
  const jobs = [];
  for (const { id } of made) jobs.push(await Job.fetch(id, { connection }));
  const waits = Promise.all(jobs.map((job) => job.wait()));
  await blocked(desk);
  const clients = await desk.clients();
  for (let i = 0; i < 20; i++) await desk.finish();
  await waits;
  for (const job of jobs) await job.close();
  assert(clients <= before + 2, `${clients - before} connections for 20 waits`);
});

Deno.test("wait() survives that Redis cuts its connections", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  const waiting = job.wait();
  for (let i = 0; i < 3; i++) {
    await blocked(desk);
    await desk.bench.send("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  }
  await blocked(desk);
  await desk.finish("9");
  assertEquals(await waiting, 9);
});

Deno.test("a result that comes while the connection is down is not missed", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  const waiting = job.wait();
  await blocked(desk);
  const execution = await desk.bench.claim(desk.worker);
  await Promise.all([
    desk.bench.send("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"),
    desk.bench.end(desk.worker, execution, { payload: btoa("9") }),
  ]);
  assertEquals(await waiting, 9);
});

Deno.test("closing the queue ends its waits", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  const waiting = assertRejects(() => job.wait(), Error, "closed");
  await blocked(desk);
  await desk.queue.close();
  await waiting;
});

Deno.test("a result that another serializer wrote is an error of this wait alone", async () => {
  await using desk = await Desk.open();
  const [a, b] = await desk.queue.enqueueMany(Array(2).fill({ func: "f.g" }));
  const waits = Promise.allSettled([a!.wait(), b!.wait()]);
  await blocked(desk);
  await desk.finish("", { payload: btoa("\x80\x05K") });
  await desk.finish("2");
  const [first, second] = await waits;
  assertEquals([first.status, second.status], ["rejected", "fulfilled"]);
});

Deno.test("closing one of those who share a connection leaves the waits of the others alone, and the last one ends the blocking connection", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  const made = await desk.queue.enqueueMany(Array(2).fill({ func: "f.g" }));
  const before = await desk.clients();
  const [a, b, c] = await Promise.all(
    [...made, made[0]!].map(({ id }) => Job.fetch(id, { connection })),
  );
  const waiting = Promise.all([a!.wait(), b!.wait()]);
  await blocked(desk);
  await c!.close();
  await c!.close();
  await desk.finish("1");
  await desk.finish("2");
  assertEquals(await waiting, [1, 2]);
  await a!.close();
  await b!.close();
  await waitFor(async () => await desk.clients() === before);
});

Deno.test("wait() notices that a requeued job has failed again without a new entry", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  await desk.fail();
  await job.requeue();
  const waiting = job.wait({ timeout: 12 });
  await blocked(desk);
  await desk.bench.send("HSET", `rq:job:${job.id}`, "status", "failed");
  await assertRejects(() => waiting, JobFailedError);
});
