import { assertEquals, assertMatch } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { Bench, Ledger } from "../e2e/support.ts";
import { assertDrained, Fleet } from "./support.ts";

Deno.test("a worker that was frozen for longer than its lease cannot record its late result", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const gate = `${ledger.path}.gate`;
  const job = await bench.queue("low").enqueue(
    "jobs.noteOnce",
    ledger.path,
    "done",
    gate,
  );
  const frozen = await fleet.listening("low", "--name", "frozen");
  await waitFor(() => ledger.lines().length === 1);
  frozen.kill("SIGSTOP");
  await Deno.writeTextFile(gate, "");
  await waitFor(() => ledger.lines().length === 2);
  await fleet.listening("low", "--name", "other");
  await bench.hasStatus(job.id, "finished");
  frozen.kill("SIGCONT");
  await frozen.waitForOutput(/low: Lease lost.*nothing recorded/);
  assertEquals(await bench.client.send("XLEN", [`rq:results:${job.id}`]), 1);
  assertEquals(await bench.field(`rq:job:${job.id}`, "worker_name"), "other");
  assertEquals(await bench.field(`rq:job:${job.id}`, "status"), "finished");
  assertEquals(ledger.lines(), ["began done", "done", "began done", "done"]);
  await assertDrained(bench, ["low"]);
  const next = await bench.queue("low").enqueue("jobs.add", 1, 2);
  assertEquals(await next.wait({ timeout: 10 }), 3);
  frozen.kill("SIGTERM");
  const { code, stderr } = await frozen.ended();
  assertEquals(code, 0, stderr);
  assertMatch(frozen.stdout, /stopping on request/);
  await Deno.remove(gate);
});
