/** Results tell of the processes of their attempts. */

import { assert, assertEquals } from "@std/assert";
import type { Result } from "../../mod.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Bench, burst } from "./support.ts";

/** Whether memory and time were measured. */
function isMeasured({ peakMemory, cpuTime }: Result): boolean {
  return peakMemory !== null && peakMemory > 10 * 1024 * 1024 &&
    cpuTime !== null && cpuTime > 0;
}

Deno.test("each attempt tells how its process ended and what it has used", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const queue = bench.queue("low");
  const jobs = await queue.enqueueMany([
    { func: "jobs.fails", args: ["oh"], retry: 1 },
    { func: "jobs.exits", args: [7] },
    { func: "jobs.add", args: [1, 2] },
  ]);
  await burst(["low", "--url", redis.url]);
  const [failed, exited, finished] = await Promise.all(
    jobs.map((job) => job.results()),
  ) as [Result[], Result[], Result[]];
  assertEquals(failed.map(isMeasured), [true, true]);
  assertEquals(failed.map(({ exitCode, signal }) => [exitCode, signal]), [
    [null, null],
    [null, null],
  ]);
  assertEquals(exited.map(({ exitCode }) => exitCode), [7]);
  assertEquals(finished.map(({ peakMemory }) => peakMemory), [null]);

  const measured = await queue.enqueue("jobs.add", 1, 2);
  await burst(["low", "--url", redis.url, "--measure-jobs"]);
  const [result] = await measured.results() as [Result];
  assert(isMeasured(result), JSON.stringify(result));
  assertEquals([result.returnValue, result.attempt], [3, 1]);
  assert(result.workerName !== null && result.executionStartedAt !== null);
});
