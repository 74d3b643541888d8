/** `job.stop()` beside whole workers. */

import { assert, assertEquals } from "@std/assert";
import { sendKillHorseCommand, sendShutdownCommand } from "../../mod.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { Fleet, kill } from "../faults/support.ts";
import { Bench, Ledger } from "./support.ts";

/** A job that runs, and its worker. */
async function running(...flags: string[]) {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await RedisServer.start());
  const bench = stack.use(new Bench(redis.url));
  const fleet = stack.use(new Fleet(redis.url));
  const ledger = stack.use(new Ledger());
  const gate = `${ledger.path}.gate`;
  const job = await bench.queue("low").enqueueCall({
    func: "jobs.survives",
    args: [ledger.path, "done", gate],
    retry: 2,
  });
  const worker = await fleet.listening("low", "--name", "w1", ...flags);
  await waitFor(() => ledger.lines().length === 1);
  return {
    redis,
    bench,
    fleet,
    ledger,
    gate,
    job,
    worker,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("stop() resolves when the job and what it has started are dead, and the worker goes on", async () => {
  await using at = await running();
  await at.job.stop({ by: "ann", reason: "too slow", timeout: 60 });
  assertEquals(await at.job.getStatus(), "stopped");
  await at.job.refresh();
  assertEquals(at.job.stoppedBy, { by: "ann", reason: "too slow" });
  await at.worker.waitForOutput(/low: Job stopped by user/);
  const next = await at.bench.queue("low").enqueue("jobs.add", 1, 2);
  assertEquals(await next.wait({ timeout: 60 }), 3);
  assertEquals(at.ledger.lines(), ["began done"]);
  await at.job.requeue();
  await Deno.writeTextFile(at.gate, "");
  assertEquals(await at.job.wait({ timeout: 60 }), "done");
  await Deno.remove(at.gate);
});

Deno.test("a stop whose message gets lost takes effect with the worker's next heartbeat", async () => {
  await using at = await running("--job-monitoring-interval", "1");
  const { client } = at.bench;
  // Without the worker's name, nobody knows where to send the message.
  await client.send("HDEL", [`rq:job:${at.job.id}`, "worker_name"]);
  await at.job.stop({ timeout: 60 });
  assertEquals(await at.job.getStatus(), "stopped");
  await at.worker.waitForOutput(/low: Job stopped by user/);
});

Deno.test("a stop outlives the worker: the job is not run again elsewhere", async () => {
  await using at = await running();
  at.worker.kill("SIGSTOP");
  const stopping = at.job.stop({ reason: "its worker hangs", timeout: 60 });
  await waitFor(async () =>
    await at.bench.field(`rq:job:${at.job.id}`, "x_stop") !== null
  );
  await kill(at.worker);
  const other = await at.fleet.listening("low");
  await stopping;
  assertEquals(await at.job.getStatus(), "stopped");
  const next = await at.bench.queue("low").enqueue("jobs.add", 1, 2);
  assertEquals(await next.wait({ timeout: 60 }), 3);
  assertEquals(at.ledger.lines(), ["began done"], other.stdout);
});

Deno.test("a cold shutdown of the worker stops a job that is to be stopped, instead of putting it back", async () => {
  await using at = await running();
  const { client } = at.bench;
  await client.send("HDEL", [`rq:job:${at.job.id}`, "worker_name"]);
  const stopping = at.job.stop({ timeout: 60 });
  await waitFor(async () =>
    await at.bench.field(`rq:job:${at.job.id}`, "x_stop") !== null
  );
  at.worker.kill("SIGTERM");
  await at.worker.killAgain("SIGTERM");
  await stopping;
  assertEquals(await at.job.getStatus(), "stopped");
  assertEquals(await at.bench.queue("low").count(), 0);
});

Deno.test("what a shutdown interrupts has not failed: it keeps all its retries, and its place", async () => {
  await using at = await running();
  const behind = await at.bench.queue("low").enqueue("jobs.add", 1, 2);
  at.worker.kill("SIGTERM");
  await at.worker.killAgain("SIGTERM");
  await at.worker.ended();
  assertEquals(await at.bench.queue("low").jobIds(), [at.job.id, behind.id]);
  const key = `rq:job:${at.job.id}`;
  assertEquals(await at.bench.field(key, "retries_left"), "2");
  assertEquals(await at.job.results(), []);
});

Deno.test("a job that loses its worker keeps its retries", async () => {
  await using at = await running();
  await kill(at.worker);
  await at.bench.hasStatus(at.job.id, "started");
  const [member] = await at.bench.client.send("ZRANGE", [
    "rq:wip:low",
    0,
    -1,
  ]) as string[];
  assert(member);
  await at.bench.client.send("ZADD", ["rq:wip:low", "XX", 1, member]);
  await at.fleet.listening("other");
  await at.bench.hasStatus(at.job.id, "queued");
  const key = `rq:job:${at.job.id}`;
  assertEquals(await at.bench.field(key, "retries_left"), "2");
  assertEquals(await at.job.results(), []);
});

Deno.test("commands reach a worker: what it runs is killed, and it leaves", async () => {
  await using at = await running();
  const connection = at.bench.client;
  assertEquals(await sendKillHorseCommand("w1", { connection }), true);
  await waitFor(() => at.ledger.lines().length === 2); // tried again
  const key = `rq:job:${at.job.id}`;
  assertEquals(await at.bench.field(key, "retries_left"), "1");
  assertEquals(await sendShutdownCommand("w1", { connection }), true);
  await at.worker.waitForOutput(/Warm shut down requested/);
  await Deno.writeTextFile(at.gate, "");
  assertEquals(await at.job.wait({ timeout: 60 }), "done");
  assertEquals((await at.worker.ended()).code, 0);
  await Deno.remove(at.gate);
});
