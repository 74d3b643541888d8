/** A parent lives until its last dependent is released, whoever dies in the middle of it. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { RedisClient } from "../../lib/redis/redis_client.ts";
import { RELEASE_DEPENDENTS } from "../../lib/store/scripts/release_dependents.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import { Bench, type Ending, endOne, newJob } from "./support.ts";

const LENIENT = { allow_dependency_failures: 1 };

/** Jobs that wait for `p`. */
async function children(
  bench: Bench,
  count: number,
  fields = {},
  name = "c",
): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, i) => `${name}${i}`);
  await bench.jobs.enqueueMany(
    ids.map((id) => newJob(id, { dependsOn: ["p"], fields })),
  );
  return ids;
}

/** Runs the next job; the worker dies when it has released no more dependents than one call does. */
async function runAndDie(
  bench: Bench,
  ending: Partial<Ending> = {},
): Promise<void> {
  const client: RedisClient = {
    ...echoless(bench.client),
    send(command, args, options) {
      if (args?.[0] === RELEASE_DEPENDENTS.sha) {
        return Promise.reject(new Error("killed"));
      }
      return bench.client.send(command, args, options);
    },
  };
  const store = new WorkerStore(client, bench.keys);
  const worker = await bench.worker();
  const execution = await bench.claim(worker);
  await assertRejects(
    () =>
      endOne(store, worker, execution, {
        outcome: "finished",
        ttl: 3,
        payload: "",
        workedMs: 1,
        ...ending,
      }),
    Error,
    "killed",
  );
}

function echoless(client: RedisClient): RedisClient {
  return {
    url: client.url,
    send: (command, args, options) => client.send(command, args, options),
    blocking: () => client.blocking(),
    subscribe: (channel, onMessage) => client.subscribe(channel, onMessage),
    close: () => client.close(),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

Deno.test.each<[Ending["outcome"], number, number]>([
  ["finished", 300, 300],
  ["finished", -1, -1],
  ["finished", 0, -2],
  ["failed", 300, 300],
  ["failed", 0, -2],
])(
  "a parent that has %s and is kept %d seconds lives until a sweep has released what its dead worker had not",
  async (outcome, ttl, ttlAfter) => {
    await using bench = await Bench.open();
    await bench.add("p");
    const ids = await children(bench, 1_000, LENIENT);
    await runAndDie(bench, { outcome, ttl });
    assert((await bench.queued()).length < 1_000);
    for (const key of ["rq:job:p", "rq:job:p:dependents"]) {
      assertEquals(await bench.ttl(key), -1, key);
    }
    await bench.sweeps.releaseHeld();
    assertEquals((await bench.queued()).toSorted(), ids.toSorted());
    const is = await bench.ttl("rq:job:p");
    assert(is <= ttlAfter && is > ttlAfter - 30, `${is}`);
    const left = ["rq:x_releasing", "rq:job:p:dependents", "rq:deferred:q"];
    assertEquals(await bench.send("EXISTS", ...left), 0);
  },
);

Deno.test("dependents that allow no failure stay where they are when a failed parent's release is taken over", async () => {
  await using bench = await Bench.open();
  await bench.add("p");
  const strict = await children(bench, 40, {}, "strict");
  const lenient = await children(bench, 300, LENIENT);
  await runAndDie(bench, { outcome: "failed", ttl: 60 });
  await bench.sweep();
  assertEquals((await bench.queued()).toSorted(), lenient.toSorted());
  assertEquals(await bench.members("rq:deferred:q"), strict.toSorted());
  assertEquals(await bench.members("rq:job:p:dependents"), strict.toSorted());
  const ttl = await bench.ttl("rq:job:p:dependents");
  assert(ttl > 50 && ttl <= 60, `${ttl}`);
});

Deno.test.each<[Ending["outcome"], number]>([["finished", 340], [
  "failed",
  300,
]])(
  "a parent that has %s and is deleted while its dependents are released was what it was",
  async (outcome, released) => {
    await using bench = await Bench.open();
    await bench.add("p");
    await children(bench, 40, {}, "strict");
    await children(bench, 300, LENIENT);
    await runAndDie(bench, { outcome, ttl: 60 });
    await bench.jobs.delete("p");
    await bench.sweep();
    assertEquals((await bench.queued()).length, released);
    assertEquals((await bench.members("rq:deferred:q")).length, 340 - released);
    assertEquals(
      await bench.send("EXISTS", "rq:x_releasing", "rq:job:p:dependents"),
      0,
    );
  },
);

Deno.test("an abandoned parent of very many releases all of them that allow failure", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("p", { fields: { failure_ttl: 0 } });
  const ids = await children(bench, 350, LENIENT);
  for (let loss = 0; loss < 5; loss++) {
    if (await bench.status("p") !== "queued") break;
    await bench.expire(await bench.claim(worker));
    await bench.sweep();
  }
  assertEquals((await bench.queued()).toSorted(), ids.toSorted());
  assertEquals(await bench.send("EXISTS", "rq:job:p", "rq:x_releasing"), 0);
});

Deno.test("a failed parent that is put back while its dependents are released keeps the rest waiting until it has finished", async () => {
  await using bench = await Bench.open();
  await bench.add("p");
  await children(bench, 300, LENIENT);
  await runAndDie(bench, { outcome: "failed", ttl: 60 });
  await bench.jobs.requeue("p", true);
  const before = await bench.queued();
  await bench.sweep();
  assertEquals(await bench.queued(), before);
  assertEquals(await bench.send("EXISTS", "rq:x_releasing"), 0);
  assertEquals(await bench.run(await bench.worker()), "p");
  assertEquals((await bench.queued()).length, 300);
});

Deno.test("dependents of an id that is taken anew while they are released are released by the new job", async () => {
  await using bench = await Bench.open();
  await bench.add("p");
  await children(bench, 300);
  await runAndDie(bench);
  await bench.add("p", { atFront: true });
  await bench.sweep();
  assertEquals(await bench.run(await bench.worker()), "p");
  await bench.sweep();
  assertEquals((await bench.queued()).length, 300);
});

Deno.test("a job that is enqueued while its parent's dependents are released runs at once, and so does the end of a chain", async () => {
  await using bench = await Bench.open();
  await bench.add("p");
  await children(bench, 300);
  await bench.add("grandchild", { dependsOn: ["c299"] });
  await runAndDie(bench);
  assertEquals(
    (await bench.add("late", { dependsOn: ["p"] })).status,
    "queued",
  );
  await bench.sweep();
  const worker = await bench.worker();
  for (let i = 0; i < 302; i++) await bench.run(worker);
  assertEquals(await bench.status("grandchild"), "finished");
});

Deno.test("a worker that releases while a sweep does so too releases each dependent once", async () => {
  await using bench = await Bench.open();
  await bench.add("p");
  const ids = await children(bench, 1_000);
  const running = bench.run(await bench.worker(), { ttl: 60 });
  for (let done = false; !done;) {
    await bench.sweeps.releaseHeld();
    done = await bench.send("EXISTS", "rq:deferred:q") === 0;
  }
  await running;
  assertEquals((await bench.queued()).toSorted(), ids.toSorted());
  const ttl = await bench.ttl("rq:job:p");
  assert(ttl > 50 && ttl <= 60, `${ttl}`);
});
