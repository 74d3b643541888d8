/** Finding jobs by their tags. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Queue } from "../../lib/queue/queue.ts";
import { Desk } from "./support.ts";

async function found(queue: Queue, tag: string): Promise<string[]> {
  const jobs = await Array.fromAsync(queue.jobsByTag(tag));
  return jobs.map(({ id }) => id).sort();
}

Deno.test("jobsByTag() finds jobs in all states, and tags tells what they have", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const tags = ["customer-7", "mail"];
  const call = { func: "jobs.send", tags };
  const one = await queue.enqueueCall({ ...call, jobId: "one" });
  assertEquals(one.tags, tags);
  await queue.enqueueMany([
    { ...call, jobId: "two", in: "1h" },
    { func: "a.b", jobId: "other" },
    { ...call, jobId: "three", dependsOn: one, tags: ["mail", "mail"] },
  ]);
  await desk.finish();
  assertEquals(await found(queue, "mail"), ["one", "three", "two"]);
  assertEquals(await found(queue, "customer-7"), ["one", "two"]);
  assertEquals(await found(queue, "nothing"), []);
  for await (const job of queue.jobsByTag("customer-7")) {
    assertEquals(job.tags, tags);
    await job.delete();
  }
  assertEquals(await found(queue, "customer-7"), []);
  const three = await queue.fetchJob("three");
  assertEquals(three?.tags, ["mail"]);
  assertEquals((await queue.fetchJob("other"))?.tags, []);
});

Deno.test("tags that cannot be are refused at the call, and nothing is written", async () => {
  await using desk = await Desk.open();
  const before = await desk.bench.dump();
  const enqueue = (tags: string[]) =>
    desk.queue.enqueueCall({ func: "a.b", tags });
  await assertRejects(() => enqueue([""]), RangeError, "1 to 100 characters");
  await assertRejects(() => enqueue("a" as never), TypeError, "a list");
  assertThrows(() => desk.queue.jobsByTag("a\n"), RangeError);
  assertEquals(await desk.bench.dump(), before);
});
