/** What `job.explain()` says, for each reason for which a job does not run. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  dependency,
  type Job,
  type JobReason,
  NoSuchJobError,
  suspend,
} from "../../mod.ts";
import { askToStop } from "../../lib/store/stop_job.ts";
import { Desk } from "./support.ts";

/** The codes of the reasons. */
async function codes(job: Job): Promise<string[]> {
  return (await job.explain()).reasons.map(({ code }) => code);
}

/** The reason of a code. */
async function reason<C extends JobReason["code"]>(
  job: Job,
  code: C,
): Promise<Extract<JobReason, { code: C }>> {
  const { reasons } = await job.explain();
  const found = reasons.find((one) => one.code === code);
  assert(found, `no reason ${code}: ${JSON.stringify(reasons)}`);
  return found as Extract<JobReason, { code: C }>;
}

Deno.test("a queued job: who is before it, and who serves its queue", async () => {
  await using desk = await Desk.open();
  const { bench, queue } = desk;
  const first = await queue.enqueue("jobs.f");
  const second = await queue.enqueue("jobs.f");
  const third = await queue.enqueue("jobs.f");
  assertEquals(await third.explain(), {
    jobId: third.id,
    status: "queued",
    text: 'queued: 2 jobs are before it on queue "q", which 1 worker serves',
    reasons: [{
      code: "behind",
      queue: "q",
      count: 2,
      workers: 1,
      text: '2 jobs are before it on queue "q", which 1 worker serves',
    }],
  });
  await bench.claim(desk.worker);
  assertEquals(
    (await second.explain()).text,
    'queued: it is the next one of queue "q", which 1 worker serves, 1 of them busy',
  );
  const { worker, since } = await reason(first, "started");
  assertEquals([worker, since instanceof Date], ["w1", true]);
});

Deno.test("a queue without a living worker, Python's included", async () => {
  await using desk = await Desk.open();
  const { bench, queue } = desk;
  const job = await queue.enqueue("jobs.f");
  await bench.send("HSET", "rq:worker:w1", "x_heartbeat", 1);
  assertEquals(
    (await job.explain()).text,
    'queued: no worker serves queue "q"; it is the next one of queue "q"',
  );
  await bench.send("HSET", "rq:worker:py", "birth", "2026-01-01T00:00:00Z");
  await bench.send("SADD", "rq:workers:q", "rq:worker:py");
  assertEquals(await codes(job), ["next"]);
});

Deno.test("suspended workers and a paused queue come first, with their end", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const job = await queue.enqueue("jobs.f");
  await suspend({ connection: queue.connection });
  await queue.pause({ for: 600 });
  assertEquals(await codes(job), ["suspended", "paused", "next"]);
  assertEquals((await reason(job, "suspended")).until, null);
  const { until, text } = await reason(job, "paused");
  const left = until!.getTime() - Date.now();
  assert(left > 500_000 && left < 700_000, `${left}`);
  assertMatch(
    text,
    /^queue "q" is paused until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  );
  await suspend({ connection: queue.connection, for: 600 });
  await queue.pause();
  assert((await reason(job, "suspended")).until! > new Date());
  assertEquals(
    (await reason(job, "paused")).text,
    'queue "q" is paused until somebody resumes',
  );
});

Deno.test("a job that was popped, one that is on no list, and one that has lost its worker", async () => {
  await using desk = await Desk.open();
  const { bench, queue } = desk;
  const job = await queue.enqueue("jobs.f");
  const lists = [bench.keys.queue("q"), bench.keys.intermediate("q")] as const;
  await bench.send("LMOVE", ...lists, "LEFT", "RIGHT");
  assertEquals(await codes(job), ["popped"]);
  await bench.send("DEL", lists[1]);
  assertEquals(
    (await job.explain()).text,
    'queued: it is not on queue "q", so nobody will run it',
  );
  await bench.send("RPUSH", lists[0], job.id);
  await bench.expire(await bench.claim(desk.worker));
  assertEquals(await codes(job), ["worker_lost"]);
  await bench.sweep();
  assertEquals(await codes(job), ["suspect", "next"]);
});

Deno.test("a rate limit: how many may run, who does, who is before it", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const rateLimit = { key: "api", concurrency: 1 };
  const call = { func: "jobs.f", rateLimit };
  const [first, , third] = await queue.enqueueMany([call, call, call]);
  const { text, ...facts } = await reason(third!, "limited");
  assertEquals(facts, {
    code: "limited",
    key: "api",
    before: 1,
    concurrency: 1,
    taken: 1,
    holders: [first!.id],
    limit: null,
    per: null,
    opensAt: null,
  });
  assertEquals(
    text,
    'it waits for rate limit "api" (1 of 1 slots taken), where 1 job is before it',
  );
});

Deno.test("a window of a rate limit: when it opens", async () => {
  await using desk = await Desk.open();
  const { bench, queue } = desk;
  const rateLimit = { key: "api", limit: 1, per: "1h" };
  const call = { func: "jobs.f", rateLimit };
  const [, second] = await queue.enqueueMany([call, call]);
  assertEquals((await reason(second!, "limited")).opensAt, null); // nobody has started
  await bench.claim(desk.worker);
  const { limit, per, opensAt, concurrency } = await reason(second!, "limited");
  assertEquals([limit, per, concurrency], [1, 3_600, null]);
  const left = opensAt!.getTime() - Date.now();
  assert(left > 3_500_000 && left <= 3_700_000, `${left}`);
});

Deno.test("the turn of a fair key", async () => {
  await using desk = await Desk.open();
  const call = { func: "jobs.f", fairKey: "tenant-7" };
  const [, , third] = await desk.queue.enqueueMany([call, call, call]);
  const { fairKey, before } = await reason(third!, "not_its_turn");
  assertEquals([fairKey, before], ["tenant-7", 1]);
});

Deno.test("a job for later, one that is tried again, one that sleeps, one that waits for a signal", async () => {
  await using desk = await Desk.open();
  const { bench, queue } = desk;
  const later = await queue.enqueueIn("1h", "jobs.f");
  const { at } = await reason(later, "not_due");
  assert(at > new Date());
  await bench.send("HSET", bench.keys.job(later.id), "x_steps", 10);
  assertEquals(await codes(later), ["sleeps"]);
  const waits = JSON.stringify(["approval", "stop"]);
  await bench.send("HSET", bench.keys.job(later.id), "x_waits_for", waits);
  const { signals, until } = await reason(later, "waits_for_signal");
  assertEquals([signals, until !== null], [["approval", "stop"], true]);

  const job = await queue.enqueueCall({
    func: "jobs.f",
    retry: { max: 1, interval: "1h" },
  });
  await desk.fail();
  assertEquals(await codes(job), ["retry"]);
});

Deno.test("a job whose time has come, with and without somebody who queues it", async () => {
  await using desk = await Desk.open();
  const { bench, queue } = desk;
  const job = await queue.enqueueIn("1h", "jobs.f");
  const scheduled = bench.keys.registry("scheduled", "q");
  await bench.send("ZADD", scheduled, "XX", 1_700_000_000, job.id);
  assertEquals(
    (await job.explain()).text,
    "scheduled: it is due since 2023-11-14T22:13:20Z, and no worker queues what is due",
  );
  await bench.send("HSET", bench.keys.schedulers, "q", "w1");
  assertEquals((await reason(job, "overdue")).worker, "w1");
  await bench.send("ZREM", scheduled, job.id);
  assertEquals(await codes(job), ["missing"]);
});

Deno.test("a job that waits for others: which, and which of them in vain", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const bad = await queue.enqueue("jobs.f");
  const good = await queue.enqueueCall({ func: "jobs.f", jobId: "good" });
  const child = await queue.enqueueCall({
    func: "jobs.g",
    dependsOn: [bad, good],
  });
  await desk.fail();
  const { count, parents } = await reason(child, "waits_for_parents");
  assertEquals(count, 2);
  assertEquals(parents.toSorted((a) => a.id === "good" ? 1 : -1), [
    { id: bad.id, status: "failed", inVain: true },
    { id: "good", status: "queued", inVain: false },
  ]);
  const other = await queue.enqueueCall({ func: "jobs.g", dependsOn: good });
  assertEquals(
    (await other.explain()).text,
    'deferred: it waits for job "good" (queued)',
  );
  await desk.bench.send("HSET", "rq:job:good", "status", "finished");
  assertEquals(await codes(other), ["parents_done"]);
});

Deno.test("a job that is to be stopped, and one that was", async () => {
  await using desk = await Desk.open();
  const { bench, queue, worker } = desk;
  const job = await queue.enqueue("jobs.f");
  const execution = await bench.claim(worker);
  await askToStop(bench, job.id, { by: "ann", reason: "too slow" });
  assertEquals(await codes(job), ["started", "stopping"]);
  assertEquals(
    (await reason(job, "stopping")).text,
    "it is to be stopped by ann (too slow)",
  );
  await bench.end(worker, execution, { outcome: "stopped" });
  assertEquals(
    (await job.explain()).text,
    "stopped: it was stopped by ann (too slow)",
  );
});

Deno.test("a job that has ended: how, and why it is not tried again", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const failed = await queue.enqueueCall({ func: "jobs.f", retry: 1 });
  await desk.fail();
  await desk.fail();
  assertEquals(await codes(failed), ["failed", "retries_exhausted"]);
  assertEquals((await reason(failed, "failed")).headline, "TypeError: bad");
  const finished = await queue.enqueue("jobs.f");
  const canceled = await queue.enqueueCall({
    func: "jobs.g",
    dependsOn: dependency(failed, { ifParentFails: "cancel" }),
  });
  await desk.finish();
  assertEquals(await codes(finished), ["finished"]);
  assertEquals(
    (await canceled.explain()).text,
    `canceled: job "${failed.id}", on which it depends, is failed`,
  );
  const plain = await queue.enqueue("jobs.f");
  await plain.cancel();
  assertEquals((await plain.explain()).text, "canceled: it was canceled");
});

Deno.test("a job that nobody has enqueued, and one whose unique key is taken", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const created = await queue.createJob({
    func: "jobs.f",
    unique: { key: "k" },
  });
  await created.save();
  assertEquals(await codes(created), ["created"]);
  const holder = await queue.enqueueCall({
    func: "jobs.f",
    unique: { key: "k" },
  });
  const { key, holder: id } = await reason(created, "unique_key_taken");
  assertEquals([key, id], ["k", holder.id]);
});

Deno.test("a job that is gone, and one of a status that nobody knows", async () => {
  await using desk = await Desk.open();
  const { bench, queue } = desk;
  const job = await queue.enqueue("jobs.f");
  await bench.send("HSET", bench.keys.job(job.id), "status", "dancing");
  const { status, text } = await job.explain();
  assertEquals([status, text], [
    null,
    'dancing: nobody knows the status "dancing"',
  ]);
  await job.delete();
  await assertRejects(() => job.explain(), NoSuchJobError);
});

Deno.test("asking why changes nothing", async () => {
  await using desk = await Desk.open();
  const { bench, queue } = desk;
  const rateLimit = { key: "api", limit: 1, per: "1h", concurrency: 1 };
  const call = {
    func: "jobs.f",
    rateLimit,
    fairKey: "t",
    unique: { key: "k" },
  };
  const jobs: Job[] = [await queue.enqueueCall(call)];
  const other = { func: "jobs.f", rateLimit };
  jobs.push(...await queue.enqueueMany([other, other]));
  jobs.push(await queue.enqueueIn("1h", "jobs.f"));
  jobs.push(await queue.enqueueCall({ func: "jobs.f", dependsOn: jobs[0]! }));
  jobs.push(await queue.enqueue("jobs.f"));
  await queue.pause({ for: 600 });
  const before = await bench.dump();
  for (const job of jobs) await job.explain();
  assertEquals(await bench.dump(), before);
});
