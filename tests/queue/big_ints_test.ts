import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Queue } from "../../lib/queue/queue.ts";
import { Desk } from "./support.ts";

const BIG = 2n ** 53n + 1n;

Deno.test("a queue that asks for BigInts stores and reads them", async () => {
  await using desk = await Desk.open({ bigInts: true });
  const job = await desk.queue.enqueueCall({
    func: "f.g",
    args: [BIG, 5n],
    kwargs: { of: [BIG] },
  });
  assertEquals(job.description, `f.g(${BIG}, 5, of=[${BIG}])`);
  await job.refresh();
  assertEquals([job.args, job.kwargs], [[BIG, 5], { of: [BIG] }]);
  await desk.finish(`{"id":${BIG},"n":5}`);
  assertEquals(await job.wait(), { id: BIG, n: 5 });
  assertEquals(await job.result(), { id: BIG, n: 5 });
});

Deno.test("a queue that does not names what it cannot read", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  await using asking = new Queue("q", { connection, bigInts: true });
  const { id } = await asking.enqueue("f.g", { id: BIG });
  await assertRejects(
    () => desk.queue.enqueue("f.g", BIG),
    TypeError,
    "Cannot store args[0]: BigInt",
  );
  const job = await desk.queue.fetchJob(id);
  assertThrows(() => job!.args, Error, `Cannot read args[0].id: ${BIG}`);
  assertEquals(job!.funcName, "f.g");
  await desk.finish(`[${BIG}]`);
  for (const read of [() => job!.wait(), () => job!.result()]) {
    await assertRejects(read, RangeError, `Cannot read result[0]: ${BIG}`);
  }
});

Deno.test("meta loses no number, whoever wrote it", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  const key = `rq:job:${job.id}`;
  await desk.bench.send("HSET", key, "meta", `{"id":${BIG}}`);
  await job.refresh();
  job.meta["more"] = 1;
  await job.saveMeta();
  assertEquals(
    await desk.bench.send("HGET", key, "meta"),
    `{"id":${BIG},"more":1}`,
  );
});
