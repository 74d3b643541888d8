import { assert, assertEquals } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { Bench, Ledger } from "../e2e/support.ts";
import { assertDrained, Fleet, kill } from "./support.ts";

Deno.test("a worker that is killed takes its job's processes along, and the job runs again elsewhere", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using doomed = new Fleet(redis.url);
  await using others = new Fleet(redis.url);
  using ledger = new Ledger();
  const gate = `${ledger.path}.gate`;
  const job = await bench.queue("low").enqueue(
    "jobs.survives",
    ledger.path,
    "done",
    gate,
  );
  const next = await bench.queue("low").enqueue("jobs.add", 1, 2);
  const first = await doomed.listening("low");
  await waitFor(() => ledger.lines().length === 1);
  const watching = await others.listening("other");
  await kill(first);
  await waitFor(() => doomed.processes().length === 0, {
    message: () => `processes live on: ${doomed.processes()}`,
  });
  await bench.hasStatus(job.id, "queued");
  assertEquals(await bench.queue("low").jobIds(), [job.id, next.id]);
  await watching.waitForOutput(
    /low: Job was abandoned by its worker, put back/,
  );
  await Deno.writeTextFile(gate, "");
  await others.listening("low");
  assertEquals(await job.wait({ timeout: 10 }), "done");
  assertEquals(await next.wait({ timeout: 10 }), 3);
  assertEquals(ledger.lines(), ["began done", "began done", "done"]);
  await assertDrained(bench, ["low"]);
  await Deno.remove(gate);
});

Deno.test("an id that a dying worker left in an intermediate list goes back and is run", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  await bench.queue("low").enqueue("jobs.note", ledger.path, "once");
  await bench.client.send("LMOVE", [
    "rq:queue:low",
    "rq:queue:low:intermediate",
    "LEFT",
    "RIGHT",
  ]);
  await bench.client.send("RPUSH", ["rq:queue:low:intermediate", "nobody"]);
  await fleet.listening("other", "low");
  await waitFor(() => ledger.lines().length === 1);
  await waitFor(async () =>
    await bench.client.send("EXISTS", ["rq:queue:low:intermediate"]) === 0
  );
  assertEquals(ledger.lines(), ["once"]);
});

Deno.test("a job that loses its worker four times fails as abandoned, and jobs behind it run", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  const low = bench.queue("low");
  const job = await low.enqueue("jobs.killsItsWorker");
  const child = await low.enqueueCall({
    func: "jobs.add",
    args: [1, 2],
    dependsOn: job,
  });
  // Losses are not waited for: each lease is made to end at once.
  const watching = await fleet.listening(
    "other",
    "--maintenance-interval",
    "1",
  );
  for (let loss = 1; loss <= 4; loss++) {
    const worker = await fleet.listening("low");
    await worker.ended();
    const [member] = await bench.client.send("ZRANGE", [
      "rq:wip:low",
      0,
      -1,
    ]) as string[];
    assert(member, `no lease after loss ${loss}`);
    assertEquals(member.split(":")[0], job.id);
    await bench.client.send("ZADD", ["rq:wip:low", "XX", 1, member]);
    await bench.hasStatus(job.id, loss < 4 ? "queued" : "failed");
  }
  const excInfo = await job.excInfo() ?? "";
  assert(excInfo.startsWith("AbandonedJobError"), excInfo);
  assertEquals(
    await bench.client.send("ZRANGE", ["rq:failed:low", 0, -1]),
    [job.id],
  );
  await watching.waitForOutput(/low: AbandonedJobError, job failed/);
  const next = await low.enqueue("jobs.add", 1, 2);
  await fleet.listening("low");
  assertEquals(await next.wait({ timeout: 60 }), 3);
  // Had the failure released it, it would have been before the job behind it.
  assertEquals(await child.getStatus(), "deferred");
});

Deno.test("the name of a worker that was killed is taken for twenty seconds, then free", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new Fleet(redis.url);
  await kill(await fleet.listening("low", "--name", "w1"));
  const killedAt = performance.now();
  const refused = await fleet.start("low", "--name", "w1").ended();
  assertEquals(refused.code, 1);
  await waitFor(async () => {
    const worker = fleet.start("low", "--name", "w1", "--burst");
    return (await worker.ended()).code === 0;
  }, { interval: 1_000 });
  const seconds = (performance.now() - killedAt) / 1_000;
  assert(seconds > 10, `free after ${seconds} s`);
});
