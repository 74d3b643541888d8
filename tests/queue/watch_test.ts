/** Watching jobs and queues. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { NoSuchJobError } from "../../lib/base/errors.ts";
import { EventReader } from "../../lib/queue/event_reader.ts";
import type { QueueEvent } from "../../lib/queue/watch_queue.ts";
import type { JobEvent } from "../../lib/queue/watch_job.ts";
import { watch } from "../../lib/store/events.ts";
import { addLog } from "../../lib/store/log_lines.ts";
import { Queue } from "../../mod.ts";
import { waitFor } from "../support/wait_for.ts";
import { blocked, Desk } from "./support.ts";

/** An event as one word or two. */
function brief(event: JobEvent | QueueEvent): string {
  switch (event.type) {
    case "status":
      return String(event.status);
    case "progress":
      return `${event.value} ${event.note ?? ""}`.trim();
    case "log":
      return event.text;
    default:
      return event.type;
  }
}

/** Takes events until one is the last. */
async function until(
  events: AsyncIterable<JobEvent | QueueEvent>,
  last: string,
): Promise<string[]> {
  const all: string[] = [];
  for await (const event of events) {
    all.push(brief(event));
    if (all.at(-1) === last) break;
  }
  return all;
}

Deno.test("Job.watch() tells the status now, every later one and progress, until the job has ended", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueueCall({ func: "f.g", jobId: "a" });
  const events = job.watch();
  const first = (await events.next()).value as JobEvent;
  assertEquals(brief(first), "queued");
  const execution = await desk.bench.claim(desk.worker);
  const fields = { x_progress: 0.5, x_progress_note: "half" };
  await desk.bench.workers.record(execution, fields);
  await desk.bench.end(desk.worker, execution, { outcome: "requeued" });
  await desk.queue.enqueue("f.other");
  await desk.finish();
  const all: JobEvent[] = await Array.fromAsync(events);
  assertEquals(all.map(brief), [
    "started",
    "0.5 half",
    "queued",
    "started",
    "finished",
  ]);
  for (const event of [first, ...all]) {
    assertEquals([event.jobId, event.queue], ["a", "q"]);
    assert(Math.abs(event.at.getTime() - Date.now()) < 120_000);
  }
  assert(all[0]!.type === "status" && all[0]!.workerName === "w1");
});

Deno.test.each<[string, string[], (desk: Desk) => Promise<unknown>]>([
  ["fails", ["queued", "started", "failed"], (desk) => desk.fail()],
  [
    "is canceled",
    ["queued", "canceled"],
    (desk) => desk.bench.jobs.cancel("a"),
  ],
  ["is deleted", ["queued", "null"], (desk) => desk.bench.jobs.delete("a")],
  [
    "is finished and not kept",
    ["queued", "started", "finished"],
    (desk) => desk.finish("1", { ttl: 0 }),
  ],
])("Job.watch() ends when the job %s", async (_how, all, act) => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueueCall({ func: "f.g", jobId: "a" });
  const events = job.watch();
  const first = brief((await events.next()).value);
  await act(desk);
  assertEquals([first, ...(await Array.fromAsync(events)).map(brief)], all);
});

Deno.test("Job.watch() of a job that has ended tells that, and one of a job that is gone throws", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  await desk.finish();
  assertEquals((await Array.fromAsync(job.watch())).map(brief), ["finished"]);
  await job.delete();
  await assertRejects(() => job.watch().next(), NoSuchJobError, "No such job");
});

Deno.test("Job.watch() sees what is written without an event, as Python does", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueueCall({ func: "f.g", jobId: "a" });
  const key = desk.bench.keys.job("a");
  const events = job.watch();
  const seen = [brief((await events.next()).value)];
  for (const status of ["started", "finished"]) {
    await desk.bench.send("HSET", key, "status", status);
    seen.push(brief((await events.next()).value));
  }
  assertEquals(seen, ["queued", "started", "finished"]);
  assertEquals((await events.next()).done, true);
});

Deno.test("Queue.watch() tells what happens to its jobs, and not to those of other queues", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  await using other = new Queue("other", { connection });
  const events = desk.queue.watch();
  const next = events.next();
  await blocked(desk);
  await other.enqueue("f.g");
  await desk.queue.enqueueMany([
    { func: "f.g", jobId: "a" },
    { func: "f.g", jobId: "b" },
  ]);
  const told = [(await next).value, (await events.next()).value];
  assertEquals(
    told.map((event) => event.type === "status" && event.jobId),
    ["a", "b"],
  );
  await desk.finish();
  assertEquals(await until(events, "finished"), ["started", "finished"]);
});

Deno.test("watching ends with the reason of its signal, and refuses unknown options", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  for (const watched of [desk.queue, job]) {
    const controller = new AbortController();
    const events = watched.watch({ signal: controller.signal });
    const pending = (async () => {
      for await (const _ of events);
    })();
    await blocked(desk);
    controller.abort(new Error("enough"));
    await assertRejects(() => pending, Error, "enough");
    const aborted = watched.watch({ signal: controller.signal });
    await assertRejects(() => aborted.next(), Error, "enough");
    const wrong = watched.watch({ signl: controller.signal } as never);
    await assertRejects(() => wrong.next(), TypeError, 'did you mean "signal"');
  }
});

Deno.test("who watches while the queue is closed gets an error", async () => {
  await using desk = await Desk.open();
  const queue = new Queue("q", { connection: desk.bench.server.url });
  const pending = queue.watch().next();
  await blocked(desk);
  await queue.close();
  await assertRejects(() => pending, Error, "the connection is closed");
});

Deno.test("all who watch over one connection share one more", async () => {
  await using desk = await Desk.open();
  await desk.queue.count();
  const before = await desk.clients();
  const job = await desk.queue.enqueue("f.g");
  const watching: Promise<unknown>[] = Array.from(
    { length: 5 },
    () => desk.queue.watch().next(),
  );
  watching.push(...Array.from({ length: 5 }, () => job.watch().next()));
  await blocked(desk);
  await desk.queue.enqueue("f.g");
  await Promise.all(watching);
  assertEquals(await desk.clients(), before + 1);
});

Deno.test("watching goes on after its connection was cut", async () => {
  await using desk = await Desk.open();
  const events = desk.queue.watch();
  const next = events.next();
  await blocked(desk);
  await desk.bench.send("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await desk.queue.enqueue("f.g");
  assertEquals(brief((await next).value), "queued");
});

Deno.test("who watches is told that events were missed if nobody asked for them for too long", async () => {
  await using desk = await Desk.open();
  const events = desk.queue.watch();
  const next = events.next();
  await blocked(desk);
  // as if this program had been frozen until all was forgotten
  await desk.bench.send("DEL", desk.bench.keys.watched, desk.bench.keys.events);
  await desk.queue.enqueue("f.g");
  await desk.bench.send("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  assertEquals(brief((await next).value), "missed");
  await desk.queue.enqueue("f.g");
  assertEquals(brief((await events.next()).value), "queued");
});

Deno.test("Job.watch() looks at the job if events were missed", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  const events = job.watch();
  assertEquals(brief((await events.next()).value), "queued");
  const { keys } = desk.bench;
  await desk.bench.send("DEL", keys.watched, keys.events);
  await desk.finish();
  assertEquals(await desk.bench.send("EXISTS", keys.events), 0);
  assertEquals((await Array.fromAsync(events)).map(brief), ["finished"]);
});

Deno.test("Job.watch() tells the lines of the job's log in their turn", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueueCall({ func: "f.g", jobId: "a" });
  const execution = await desk.bench.claim(desk.worker);
  const log = (call: number, text: string) =>
    addLog(desk.bench.workers, execution, {
      call,
      most: 1_000,
      dropped: 0,
      lines: [["log", text]],
    });
  await log(1, "one");
  const events = job.watch();
  const seen = [brief((await events.next()).value)];
  seen.push(brief((await events.next()).value));
  await log(2, "two");
  seen.push(brief((await events.next()).value));
  await log(3, "three");
  await desk.bench.end(desk.worker, execution, { needsHooks: true });
  for await (const event of events) seen.push(brief(event));
  assertEquals(seen, ["started", "one", "two", "three", "finished"]);
  const lines = await Array.fromAsync(job.logs({ follow: true }));
  assertEquals(lines.map(({ line, text }) => `${line} ${text}`), [
    "1 one",
    "2 two",
    "3 three",
  ]);
});

Deno.test("who watches is told that events were missed if the stream has dropped them", async () => {
  await using desk = await Desk.open();
  await using reader = new EventReader(desk.bench.jobs);
  using watcher = await reader.watch(() => true);
  await blocked(desk);
  const { keys } = desk.bench;
  const many =
    `for i = 1, 1500 do redis.call('XADD', KEYS[1], '*', 'event', 'x') end
    redis.call('XTRIM', KEYS[1], 'MAXLEN', 600)`;
  await desk.bench.send("EVAL", many, 1, keys.events);
  assertEquals(
    await watcher.mailbox.take() && watcher.mailbox.takeMissed(),
    true,
  );
  const { lastId } = await watch(desk.bench.jobs);
  await waitFor(() => reader.position === lastId);
});
