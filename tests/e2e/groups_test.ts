/** Groups whose members real workers run. */

import { assertEquals } from "@std/assert";
import { Group } from "../../mod.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Bench, burst, Ledger, WorkerProcess } from "./support.ts";

/** The three calls of a group, each of which appends what it is told. */
function calls({ path }: Ledger) {
  const call = (what: string) => ({
    func: "jobs.notesGroup",
    args: [path, what],
    queue: "low",
  });
  return {
    onComplete: call("complete"),
    onSuccess: call("success"),
    onFailure: call("failure"),
  };
}

Deno.test.each([
  { isolation: "process", atOnce: 2 },
  { isolation: "shared", atOnce: 20 },
])(
  "members that add others are waited for, $isolation, and one call tells of all",
  async ({ isolation, atOnce }) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    using ledger = new Ledger();
    const connection = bench.client;
    const group = await Group.create({ id: "g", connection, ...calls(ledger) });
    await group.enqueueMany(bench.queue("low"), [
      { func: "jobs.fansOut", args: [ledger.path, 3] },
      { func: "jobs.fansOut", args: [ledger.path, 2] },
    ]);
    const waiting = group.wait({ timeout: 60 });
    const flags = ["--isolation", isolation, "--concurrency", `${atOnce}`];
    const { code } = await burst(["low", "--url", redis.url, ...flags]);
    assertEquals(code, 0);
    const { total, finished } = await waiting;
    assertEquals([total, finished], [7, 7]);
    const told = ledger.lines().filter((line) => !line.startsWith("leaf"));
    assertEquals(told.toSorted(), [
      "complete g: 7 of 7, 0 failed",
      "success g: 7 of 7, 0 failed",
    ]);
    assertEquals(ledger.lines().length, 7);
  },
);

Deno.test("a group calls at its first failure, and when a requeued job has made it whole", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  await using _worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  const group = await Group.create({
    id: "g",
    connection: bench.client,
    ...calls(ledger),
  });
  const [_done, failing] = await group.enqueueMany(bench.queue("low"), [
    { func: "jobs.add", args: [1, 2] },
    { func: "jobs.failsUntil", args: [3], retry: 1 },
  ]);
  assertEquals((await group.wait({ timeout: 60 })).failed, 1);
  await waitForEqual(() => ledger.lines().toSorted(), [
    "complete g: 1 of 2, 1 failed",
    "failure g: 1 of 2, 1 failed",
  ]);
  await failing.requeue();
  assertEquals((await group.wait({ timeout: 60 })).finished, 2);
  await waitFor(() => ledger.lines().length === 3);
  assertEquals(ledger.lines()[2], "success g: 2 of 2, 0 failed");
});

Deno.test("canceling a group stops what runs, and ends its wait", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  await using _worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  const outer = await Group.create({ connection: bench.client });
  const inner = await Group.create({ connection: bench.client, group: outer });
  const gate = `${ledger.path}.never`;
  const call = (line: string) => ({
    func: "jobs.noteOnce",
    args: [ledger.path, line, gate],
  });
  await inner.enqueueMany(bench.queue("low"), [call("a"), call("b")]);
  await outer.enqueueMany(bench.queue("low"), [call("c")]);
  await waitFor(() => ledger.lines().length === 1);
  const waiting = outer.wait({ timeout: 60 });
  await outer.cancel();
  const { failed, canceled } = await waiting;
  assertEquals([failed, canceled], [1, 1], "the inner group, and a job");
  assertEquals((await inner.counts()).canceled, 2);
  const after = await bench.queue("low").enqueue("jobs.add", 1, 2);
  assertEquals(await after.wait({ timeout: 60 }), 3);
  const done = ledger.lines().filter((line) => !line.startsWith("began"));
  assertEquals(done, []);
});
