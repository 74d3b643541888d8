/** Functions made by `job()`, as jobs. */

import { assertEquals } from "@std/assert";
import { jobFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Bench, burst } from "./support.ts";

Deno.test.each([["--job-allow-none"], ["--job-allow-read"], [
  "--job-allow-all",
]])(
  "a job of a function made by job() runs with %s, and enqueues others with their own queue and options",
  async (flag) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    const job = await bench.queue("low").enqueue<() => Promise<string[]>>(
      "made.chain",
    );
    const args = ["low", "mail", "--url", redis.url];
    await burst([...args, flag, ...jobFlags()]);
    const [own, other, called] = await job.wait({ timeout: 10 });
    assertEquals(called, "sent to c");
    const facts = async (id: string) => [
      await bench.field(`rq:job:${id}`, "origin"),
      await bench.field(`rq:job:${id}`, "status"),
      await bench.field(`rq:job:${id}`, "timeout"),
    ];
    assertEquals(await facts(own!), ["mail", "scheduled", "30"]);
    assertEquals(await facts(other!), ["low", "finished", "30"]);
    const tagged = await Array.fromAsync(
      bench.queue("low").jobsByTag("chained"),
    );
    assertEquals(tagged.map(({ id }) => id), [other]);
  },
);

Deno.test("a job with a contract gets what its schema makes of the argument, and a wrong one fails for good", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const queue = bench.queue("mail");
  const right = await queue.enqueue<(n: number) => string>("made.show", 7);
  const two = await queue.enqueue<() => string[]>("made.showTwo");
  const wrong = await queue.enqueueCall({
    func: "made.show",
    args: ["x"],
    retry: 3,
  });
  await burst(["mail", "--url", redis.url, ...jobFlags()]);
  assertEquals(await right.wait(), "+7");
  const [followed, refused] = await two.wait();
  assertEquals(await (await queue.fetchJob(followed!))?.result(), "+7");
  const text = "Cannot enqueue show: args[0]: not positive";
  assertEquals(refused, `ArgumentsError: ${text}`);
  assertEquals(await wrong.getStatus(), "failed");
  assertEquals(
    await wrong.excInfo().then((text) => text?.split("\n")[0]),
    "ArgumentsError: Cannot run show: args[0]: not positive",
  );
  assertEquals(await bench.field(`rq:job:${wrong.id}`, "retries_left"), "3");
});
