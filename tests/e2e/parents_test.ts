/** What a job learns of the jobs on which it depends. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { dependency, Job } from "../../mod.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Bench, burst } from "./support.ts";

Deno.test.each([["process"], ["reuse"], ["shared"]] as const)(
  "%s: a job can ask what became of its parents, in the order in which it named them",
  async (isolation) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    const low = bench.queue("low");
    const [sum, bad, none, unkept] = await low.enqueueMany([
      { func: "parents.add", args: [1, 2] },
      { func: "parents.fails", args: ["bad luck"] },
      { func: "parents.nothing" },
      { func: "parents.add", args: [3, 4], resultTtl: 0 },
    ]);
    const dependsOn = [unkept!, bad!, none!, sum!];
    const child = await low.enqueueCall({
      func: "parents.tellsParents",
      dependsOn: dependency(dependsOn, { ifParentFails: "run" }),
    });
    await burst(["low", "--url", redis.url, "--isolation", isolation]);
    const parents = await child.result() as Record<string, unknown>[];
    const { error, ...failed } = parents[1]!;
    assertEquals([parents[0], failed, parents[2], parents[3]], [
      { id: unkept!.id, status: null, expired: true },
      { id: bad!.id, status: "failed", expired: false },
      { id: none!.id, status: "finished", expired: false },
      { id: sum!.id, status: "finished", result: 3, expired: false },
    ]);
    assertStringIncludes(String(error), "RangeError: bad luck");
  },
);

Deno.test("a job without parents has none, and one whose parent's result is gone is told so", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const [low, later] = [bench.queue("low"), bench.queue("later")];
  const parent = await low.enqueue("parents.add", 1, 2);
  const child = await later.enqueueCall({
    func: "parents.tellsParents",
    dependsOn: parent,
  });
  const alone = await later.enqueue("parents.tellsParents");
  await burst(["low", "--url", redis.url]);
  await bench.client.send("DEL", [`rq:results:${parent.id}`]);
  await burst(["later", "--url", redis.url]);
  assertEquals(await child.result(), [
    { id: parent.id, status: "finished", expired: true },
  ]);
  assertEquals(await alone.result(), []);
});

Deno.test("results of parents are passed to the function behind its own arguments and before named ones, null where there is none", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const low = bench.queue("low");
  const [sum, bad, none, unkept, other] = await low.enqueueMany([
    { func: "parents.add", args: [1, 2] },
    { func: "parents.fails", args: ["bad luck"] },
    { func: "parents.nothing" },
    { func: "parents.add", args: [3, 4], resultTtl: 0 },
    { func: "parents.add", args: [5, 6] },
  ]);
  const options = { ifParentFails: "run", passResults: true } as const;
  const child = await low.enqueueCall({
    func: "parents.given",
    args: ["own"],
    kwargs: { named: 1 },
    dependsOn: [
      dependency(sum!, options),
      other!,
      dependency([bad!, none!, unkept!], options),
    ],
  });
  const plain = await low.enqueueCall({
    func: "parents.given",
    dependsOn: sum!,
  });
  await burst(["low", "--url", redis.url]);
  assertEquals(await child.result(), ["own", 3, null, null, null, {
    named: 1,
  }]);
  assertEquals(await plain.result(), []);
});

Deno.test("a result that only a BigInt can hold is passed with --big-ints, and else fails the child alone", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const [low, later] = [bench.queue("low"), bench.queue("later")];
  const parent = await low.enqueue("parents.nothing");
  const dependsOn = dependency(parent, { passResults: true });
  const held = await bench.queue("held").enqueueCall({
    func: "jobs.texts",
    dependsOn,
  });
  const refused = await later.enqueueCall({ func: "parents.given", dependsOn });
  const asking = await later.enqueueCall({
    func: "parents.tellsParents",
    dependsOn: parent,
  });
  const next = await later.enqueue("parents.add", 1, 2);
  await burst(["low", "--url", redis.url]);
  const big = btoa("9007199254740993");
  const key = `rq:results:${parent.id}`;
  await bench.client.send("DEL", [key]);
  await bench.client.send("XADD", [key, "*", "type", 1, "return_value", big]);
  await burst(["held", "--big-ints", "--url", redis.url]);
  assertEquals(await held.result(), ["9007199254740993"]);
  await burst(["later", "--url", redis.url]);
  for (const job of [refused, asking]) {
    assertEquals(await job.getStatus(), "failed");
    assertStringIncludes(await job.excInfo() ?? "", "9007199254740993");
  }
  assertEquals(await next.result(), 3);
});

Deno.test.each([
  ["x_pass_results", "{", "x_pass_results is no list"],
  ["x_pass_results", "7", "x_pass_results is no list"],
])("a job whose field %s is %s fails alone", async (field, value, text) => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const low = bench.queue("low");
  const job = await low.enqueue("parents.given");
  await bench.client.send("HSET", [`rq:job:${job.id}`, field, value]);
  const next = await low.enqueue("parents.add", 1, 2);
  await burst(["low", "--url", redis.url]);
  assertStringIncludes(await job.excInfo() ?? "", text);
  assertEquals(await next.result(), 3);
});

Deno.test("keys of a parent that hold something else tell nothing of it", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const [low, later] = [bench.queue("low"), bench.queue("later")];
  const parent = await low.enqueue("parents.add", 1, 2);
  const dependsOn = dependency(parent, { passResults: true });
  const child = await later.enqueueCall({ func: "parents.given", dependsOn });
  await burst(["low", "--url", redis.url]);
  await bench.client.send("SET", [`rq:results:${parent.id}`, "x"]);
  await burst(["later", "--url", redis.url]);
  assertEquals(await child.result(), [null]);
});

Deno.test("a job inside a job can depend on others in every way", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const low = bench.queue("low");
  const family = await low.enqueue<() => Promise<string[]>>(
    "parents.addsFamily",
  );
  const bad = await low.enqueue("parents.badPolicy");
  await burst(["low", "--url", redis.url]);
  const [sumId, failedId, refusal] = (await family.result())!;
  const options = { connection: redis.url };
  await using sum = await Job.fetch(sumId!, options);
  await using failed = await Job.fetch(failedId!, options);
  assertEquals(await sum.result(), ["own", 3, null, { last: true }]);
  assertEquals(await failed.getStatus(), "failed");
  assertEquals(failed.decidedBy?.status, "failed");
  assertStringIncludes(refusal!, 'there is no job "nobody"');
  assertStringIncludes(
    String(await bad.result()),
    '"explode": expected "wait"',
  );
});
