/** `job.setMeta()`: patches of a job's free data. */

import { assertEquals, assertRejects } from "@std/assert";
import { NoSuchJobError } from "../../lib/base/errors.ts";
import { Job } from "../../lib/queue/job.ts";
import { ExecutionHost } from "../../lib/worker/job_host.ts";
import { Desk } from "./support.ts";

async function metaOf(desk: Desk, { id }: Job): Promise<unknown> {
  return JSON.parse(await desk.bench.field(id, "meta") ?? "null");
}

Deno.test("setMeta() sets and removes keys, and leaves the others", async () => {
  await using desk = await Desk.open();
  const meta = { kept: [], gone: 1, changed: 1 };
  const job = await desk.queue.enqueueCall({ func: "f.g", meta });
  await job.setMeta({ changed: { to: 2 }, gone: undefined, added: null });
  const expected = { kept: [], changed: { to: 2 }, added: null };
  assertEquals(job.meta, expected);
  assertEquals(await metaOf(desk, job), expected);
  await job.setMeta({});
  assertEquals(await metaOf(desk, job), expected);
});

Deno.test("setMeta() keeps numbers that Lua and JavaScript cannot hold", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueueCall({ func: "f.g" });
  const text = `{"id":12345678901234567890,"x":0.25}`;
  await desk.bench.send("HSET", desk.bench.keys.job(job.id), "meta", text);
  await job.setMeta({ big: 2n ** 70n + 1n });
  assertEquals(
    await desk.bench.field(job.id, "meta"),
    `{"id":12345678901234567890,"x":0.25,"big":1180591620717411303425}`,
  );
});

Deno.test("no patch is lost, however many are made at once", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  const { id } = await desk.queue.enqueue("f.g");
  const patching = Array.from({ length: 40 }, async (_, i) => {
    const job = await Job.fetch(id, { connection });
    await job.setMeta({ [`k${i % 20}${i < 20 ? "a" : "b"}`]: i });
  });
  await Promise.all(patching);
  const job = await Job.fetch(id, { connection });
  assertEquals(
    Object.values(job.meta).sort((a, b) => Number(a) - Number(b)),
    Array.from({ length: 40 }, (_, i) => i),
  );
});

Deno.test("patches of the running job and of others do not overwrite each other", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueueCall({ func: "f.g", meta: { n: 0 } });
  const execution = await desk.bench.claim(desk.worker);
  const options = { mayEnqueue: () => true, bigInts: false };
  const host = new ExecutionHost(desk.bench.workers, execution, options);
  await host.saveMeta({ set: { own: 1 }, removed: [] });
  await job.setMeta({ others: 1 });
  await host.saveMeta({ set: { own: 2 }, removed: ["n"] });
  assertEquals(await metaOf(desk, job), { own: 2, others: 1 });
});

Deno.test("setMeta() refuses what it cannot store, and says that a job is gone", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueueCall({ func: "f.g", meta: { a: 1 } });
  const not = [[1], null, "text"] as unknown as Record<string, unknown>[];
  for (const patch of not) {
    await assertRejects(() => job.setMeta(patch), TypeError, "an object");
  }
  await assertRejects(
    () => job.setMeta({ f: () => 1 }),
    TypeError,
    "Cannot store meta.f",
  );
  assertEquals(await metaOf(desk, job), { a: 1 });
  const key = desk.bench.keys.job(job.id);
  for (const foreign of ["[1]", Uint8Array.of(128, 4, 149)]) {
    await desk.bench.send("HSET", key, "meta", foreign);
    await assertRejects(
      () => job.setMeta({ b: 1 }),
      TypeError,
      "another serializer than JSON wrote it",
    );
  }
  await job.delete();
  await assertRejects(() => job.setMeta({ b: 1 }), NoSuchJobError);
});

Deno.test("save() after setMeta() does not undo what others have changed meanwhile", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  const job = await desk.queue.enqueueCall({ func: "f.g", meta: { a: 1 } });
  await job.setMeta({ b: 2 });
  const other = await Job.fetch(job.id, { connection });
  await other.setMeta({ c: 3 });
  job.setDescription("words");
  await job.save();
  assertEquals(await metaOf(desk, job), { a: 1, b: 2, c: 3 });
  assertEquals(job.meta, { a: 1, b: 2, c: 3 });
});

Deno.test("setMeta() refuses what JSON does not turn into an object", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueueCall({ func: "f.g", meta: { n: 0 } });
  for (const patch of [new Date(0), { toJSON: () => [1] }, [1], null]) {
    // deno-lint-ignore no-explicit-any -- what the type forbids
    const setting = job.setMeta(patch as any);
    await assertRejects(() => setting, TypeError, "expected an object");
  }
  assertEquals(await metaOf(desk, job), { n: 0 });
});
