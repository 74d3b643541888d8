/** What is kept of a log when its worker dies. */

import { assertEquals } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { Bench } from "../e2e/support.ts";
import { Fleet, kill } from "./support.ts";

Deno.test("what a job had logged when its worker was killed is kept, and its next run adds to that", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  const file = `${await Deno.makeTempDir()}/go`;
  const job = await bench.queue("low").enqueue("logs.logsUntil", file);
  const texts = async () =>
    (await Array.fromAsync(job.logs()))
      .map(({ attempt, source, text }) => `${attempt} ${source}: ${text}`)
      .sort();
  const first = await fleet.listening("low", "--capture-logs=64KB");
  const begun = ["1 log: begun", "1 stdout: printed at once"];
  await waitFor(async () => (await texts()).length === begun.length);
  await kill(first);
  assertEquals(await texts(), begun);
  await Deno.writeTextFile(file, "");
  await fleet.listening("low");
  await job.wait({ timeout: 60 });
  assertEquals(await texts(), [...begun, "2 log: begun", "2 log: done"].sort());
  await Deno.remove(file);
});
