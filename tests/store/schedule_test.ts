import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
} from "@std/assert";
import { ReplyError } from "../../lib/redis/redis_client.ts";
import { JobStore } from "../../lib/store/job_store.ts";
import { waitFor } from "../support/wait_for.ts";
import { Bench, echoing, newJob } from "./support.ts";

/** When a job is due, as the scheduled registry has it. */
async function due(bench: Bench, id: string): Promise<number> {
  return Number(await bench.send("ZSCORE", "rq:scheduled:q", id));
}

/** Seconds since 1970 by the server's clock. */
async function now(bench: Bench): Promise<number> {
  const [seconds, micros] = await bench.send("TIME") as string[];
  return Number(seconds) + Number(micros) / 1e6;
}

Deno.test("a job for later is among the scheduled ones, and queued when it is due", async () => {
  await using bench = await Bench.open();
  const at = await now(bench) + 0.3;
  const later = await bench.add("later", { due: at.toFixed(3) });
  assertEquals([later.status, later.enqueuedAt], ["scheduled", ""]);
  assertAlmostEquals(await due(bench, "later"), at, 0.002);
  assertEquals(await bench.members("rq:queues"), ["rq:queue:q"]);
  await bench.add("much_later", { due: "+3600" });
  assertAlmostEquals(await due(bench, "much_later"), at + 3_600, 60);
  assertEquals(await bench.queued(), []);
  await waitFor(async () =>
    (await bench.sweeps.promoteScheduled("q")).moved === 1
  );
  assert(await now(bench) >= at);
  assertEquals([await bench.status("later"), await bench.queued()], [
    "queued",
    ["later"],
  ]);
  assertEquals(await bench.status("much_later"), "scheduled");
});

Deno.test("what is due already is queued at once", async () => {
  await using bench = await Bench.open();
  assertEquals((await bench.add("a", { due: "1.5" })).status, "queued");
  assertEquals((await bench.add("b", { due: "+0" })).status, "queued");
  assertEquals(await bench.queued(), ["a", "b"]);
});

Deno.test("many for later are each scheduled in one call, also beside one whose id is taken", async () => {
  await using bench = await Bench.open();
  await bench.add("taken");
  const ids = ["a", "taken", "b"];
  const outcomes = await bench.jobs.enqueueMany(
    ids.map((id) => newJob(id, { due: "+60" })),
  );
  assertEquals(outcomes.map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  assertEquals(await bench.members("rq:scheduled:q"), ["a", "b"]);
});

Deno.test("a job for later that depends on another one waits for both", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("p");
  const at = await now(bench) + 3_600;
  const both = { dependsOn: ["p"], due: at.toFixed(3) };
  assertEquals((await bench.add("c", both)).status, "deferred");
  assertEquals(await bench.members("rq:scheduled:q"), []);
  await bench.run(worker);
  assertEquals([await bench.status("c"), await bench.queued()], [
    "scheduled",
    [],
  ]);
  assertAlmostEquals(await due(bench, "c"), at, 0.002);
  assertEquals(await bench.members("rq:deferred:q"), []);
});

Deno.test("a job that waits for another one beyond its time is queued when that has finished", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("p");
  await bench.add("c", { dependsOn: ["p"], due: "+0.05" });
  const execution = await bench.claim(worker);
  const at = Number(await bench.field("c", "x_due"));
  await waitFor(async () => await now(bench) > at);
  await bench.end(worker, execution);
  assertEquals(await bench.queued(), ["c"]);
});

Deno.test("the longest wait of a job for later begins when it is due", async () => {
  await using bench = await Bench.open();
  await bench.add("a", { due: "+1000", ttl: 60 });
  const left = Number(await bench.send("TTL", "rq:job:a"));
  assert(left > 1_000 && left <= 1_060, `${left}`);
});

Deno.test("a call for later that is sent again changes nothing, and answers the same", async () => {
  await using bench = await Bench.open();
  const replies: string[] = [];
  const client = echoing(
    bench.client,
    (reply) => void replies.push(String(reply)),
  );
  const store = new JobStore(client, bench.keys);
  await store.enqueue(newJob("a", { due: "+3600" }));
  assertEquals(replies.length, 2);
  assertEquals(replies[0], replies[1]);
  assertEquals(await bench.members("rq:scheduled:q"), ["a"]);
});

Deno.test("a scheduled registry that is something else refuses the job, and nothing is written", async () => {
  await using bench = await Bench.open();
  await bench.send("SET", "rq:scheduled:q", "x");
  await assertRejects(
    () => bench.add("a", { due: "+60" }),
    ReplyError,
    "WRONGTYPE",
  );
  assertEquals(await bench.send("EXISTS", "rq:job:a", "rq:queues"), 0);
});

Deno.test("who queues what is due is told of a job that is due before all others, and of no other", async () => {
  await using bench = await Bench.open();
  const told: string[] = [];
  await using _ = await bench.client.subscribe(
    "rq:pubsub:w1",
    (message) => void told.push(message),
  );
  await bench.add("nobody_told", { due: "+50" });
  await bench.sweeps.announceScheduler(["q"], "w1", 60);
  await bench.add("later", { due: "+60" });
  await bench.add("sooner", { due: "+40" });
  await bench.add("now");
  const other = newJob("other", { due: "+1", queue: "r" });
  await bench.jobs.enqueueMany([other]);
  await bench.send("PUBLISH", "rq:pubsub:w1", "end");
  await waitFor(() => told.at(-1) === "end");
  const [message, ...rest] = told;
  const { ms, ...others } = JSON.parse(message!);
  assertEquals(others, { command: "x-scheduled", queue: "q" });
  assert(ms > 35_000 && ms <= 40_000, message);
  assertEquals(rest, ["end"]);
});
