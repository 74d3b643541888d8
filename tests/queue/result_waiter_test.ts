import { assertEquals } from "@std/assert";
import type { Job } from "../../lib/queue/job.ts";
import { type Hint, ResultWaiter } from "../../lib/queue/result_waiter.ts";
import { blocked, Desk } from "./support.ts";

/** A waiter that does not read statuses by itself, so that only Redis can wake it. */
const NEVER_LOOKS = 600_000;

async function endOf(
  desk: Desk,
  job: Job,
  act: () => Promise<unknown>,
): Promise<string> {
  const store = desk.bench.jobs;
  await using waiter = new ResultWaiter(store, NEVER_LOOKS);
  const { latest, endsAfter } = await store.await(job.id);
  const after = latest?.entryId ?? "0-0";
  const signal = AbortSignal.timeout(20_000);
  const waiting = waiter.wait(job.id, { after, endsAfter }, signal);
  await Promise.race([waiting, blocked(desk)]);
  await act();
  return (await waiting as Hint).how;
}

Deno.test.each<[string, string, (desk: Desk, job: Job) => Promise<unknown>]>([
  ["cancel()", "canceled", (_desk, job) => job.cancel()],
  ["delete()", "queued", (_desk, job) => job.delete()],
  ["an unkept result", "finished", (desk) => desk.finish("1", { ttl: 0 })],
  ["an unkept failure", "failed", (desk) => desk.fail("E: no", { ttl: 0 })],
  ["empty()", "queued", (desk) => desk.queue.empty()],
])("Redis itself tells who waits of %s", async (_name, how, act) => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  assertEquals(await endOf(desk, job, () => act(desk, job)), how);
});

Deno.test.each<[string, (desk: Desk, parent: Job) => Promise<unknown>]>([
  ["fails", (desk) => desk.fail()],
  ["fails and is not kept", (desk) => desk.fail("E: no", { ttl: 0 })],
  ["is stopped", (desk) => desk.fail("E: no", { outcome: "stopped" })],
  ["is canceled", (_desk, parent) => parent.cancel()],
  ["is deleted", (_desk, parent) => parent.delete()],
])(
  "Redis itself tells who waits for a child that its parent %s",
  async (_name, act) => {
    await using desk = await Desk.open();
    const parent = await desk.queue.enqueue("f.g");
    const child = await desk.queue.enqueueCall({
      func: "f.g",
      dependsOn: parent,
    });
    assertEquals(await endOf(desk, child, () => act(desk, parent)), "");
  },
);

Deno.test("an end between the look at a job and the wait for it is not missed", async () => {
  await using desk = await Desk.open();
  const store = desk.bench.jobs;
  const job = await desk.queue.enqueue("f.g");
  await using waiter = new ResultWaiter(store, NEVER_LOOKS);
  const { endsAfter } = await store.await(job.id);
  await job.delete();
  const signal = AbortSignal.timeout(20_000);
  const outcome = await waiter.wait(
    job.id,
    { after: "0-0", endsAfter },
    signal,
  );
  assertEquals(outcome, { how: "queued" });
});

Deno.test("what nobody waits for leaves nothing in the stream of ends", async () => {
  await using desk = await Desk.open();
  const jobs = await desk.queue.enqueueMany(Array(3).fill({ func: "f.g" }));
  await desk.finish("1", { ttl: 0 });
  await jobs[1]!.cancel();
  await jobs[2]!.delete();
  assertEquals(await desk.bench.send("EXISTS", "rq:x_ends"), 0);
});

Deno.test("what somebody waits for leaves the stream of ends for a minute", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  await endOf(desk, job, () => job.cancel());
  const ttl = Number(await desk.bench.send("TTL", "rq:x_ends"));
  assertEquals([ttl > 0, ttl <= 60], [true, true]);
});
