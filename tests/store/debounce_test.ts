/** Debounced jobs: each call puts the one that waits off. */

import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Bench, newJob } from "./support.ts";
import { add, KEY, unique } from "./unique_jobs.ts";

const DEBOUNCE = unique("started debounce 100");

/** In how many seconds a job is due. */
async function dueIn(bench: Bench, id: string): Promise<number> {
  const [seconds = ""] = await bench.send("TIME") as string[];
  const score = await bench.send("ZSCORE", "rq:scheduled:q", id);
  return Number(score) - Number(seconds);
}

Deno.test("a debounced job is put off by each call, at most until the latest time, and has the last arguments", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const call = (id: string, due: string) =>
    add(bench, id, { ...DEBOUNCE, data: `["jobs.f", null, ["${id}"], {}]` }, {
      due,
    });
  assertEquals(await call("a", "+30"), "scheduled");
  assertEquals(await call("b", "+60"), "holder a");
  assertAlmostEquals(await dueIn(bench, "a"), 60, 5);
  assertEquals(await call("c", "+600"), "holder a");
  assertAlmostEquals(await dueIn(bench, "a"), 100, 5);
  assertEquals(await bench.members("rq:scheduled:q"), ["a"]);
  assertEquals(await bench.status("b"), null);
  assertEquals(await bench.field("a", "data"), '["jobs.f", null, ["c"], {}]');
  // its time has come, and no worker: it is put off from the queue as well
  await bench.send("ZADD", "rq:scheduled:q", 1, "a");
  await bench.sweeps.promoteScheduled("q");
  assertEquals(await call("d", "+5"), "holder a");
  assertEquals(await bench.queued(), []);
  await bench.send("ZADD", "rq:scheduled:q", 1, "a");
  await bench.sweeps.promoteScheduled("q");
  const execution = await bench.claim(worker);
  assertEquals(execution.job.call.args, ["d"]);
  assertEquals(await call("e", "+30"), "scheduled");
  assertEquals(await call("f", "+30"), "holder e");
  await bench.end(worker, execution);
  assertEquals(await bench.jobs.uniqueHolder("q", "k"), "e");
});

Deno.test("a call that is sent again puts nothing off, and takes no arguments back", async () => {
  await using bench = await Bench.open();
  const call = (id: string, due: string) =>
    newJob(id, { fields: { ...DEBOUNCE, description: id }, due });
  const first = call("a", "+10");
  await bench.jobs.enqueue(first);
  const second = call("b", "+20");
  await bench.jobs.enqueue(second);
  await bench.send("ZADD", "rq:scheduled:q", 5_000_000_000, "a");
  const dump = await bench.dump();
  const again = await bench.jobs.enqueue(second);
  assertEquals(again.existing, "a");
  const own = await bench.jobs.enqueue(first);
  assertEquals([own.status, own.existing], ["scheduled", undefined]);
  assertEquals(await bench.dump(), dump);
});

Deno.test("a debounced job whose latest time is over stays where it is, with the last arguments", async () => {
  await using bench = await Bench.open();
  await add(bench, "a", DEBOUNCE, { due: "+30" });
  const value = String(await bench.send("GET", KEY));
  await bench.send("SET", KEY, value.replace(/ [\d.]+$/, " 5.000"));
  await bench.send("ZADD", "rq:scheduled:q", 1, "a");
  await bench.sweeps.promoteScheduled("q");
  const late = { ...DEBOUNCE, description: "late" };
  assertEquals(await add(bench, "b", late, { due: "+30" }), "holder a");
  assertEquals(await bench.queued(), ["a"]);
  assertEquals(await bench.field("a", "description"), "late");
});

Deno.test("a debounced job that waits for a parent or a slot is put off there, and its longest wait begins when it is due", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("p");
  await add(bench, "a", unique("started debounce"), {
    due: "+30",
    dependsOn: ["p"],
    ttl: 50,
  });
  const call = () =>
    add(bench, "b", unique("started debounce"), { due: "+600" });
  assertEquals(await call(), "holder a");
  assertEquals(await bench.status("a"), "deferred");
  assertAlmostEquals(await bench.ttl("rq:job:a"), 650, 5);
  await bench.run(worker);
  assertAlmostEquals(await dueIn(bench, "a"), 600, 5);
  assertEquals(await call(), "holder a");
  assertAlmostEquals(await bench.ttl("rq:job:a"), 650, 5);
  await bench.jobs.delete("a");

  const limit = { rate_limit_key: "l", rate_limit_concurrency: 1 };
  await bench.add("other", { fields: limit });
  await add(bench, "c", { ...DEBOUNCE, ...limit }, { due: "+30" });
  await bench.send("ZADD", "rq:scheduled:q", 1, "c");
  await bench.sweeps.promoteScheduled("q");
  assertEquals(await bench.status("c"), "rate_limited");
  assertEquals(await add(bench, "d", DEBOUNCE, { due: "+30" }), "holder c");
  assertEquals(await bench.status("c"), "scheduled");
  assertEquals(await bench.members("rq:rl:l:rate_limited"), []);
});
