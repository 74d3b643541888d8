/** What becomes of the jobs that end with a parent of theirs, if a worker is killed meanwhile, or replies are lost. */

import { assert, assertEquals } from "@std/assert";
import { dependency } from "../../mod.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { Bench, Ledger, WorkerProcess } from "../e2e/support.ts";
import { ReplyLoser } from "./reply_loser.ts";
import { Fleet, kill } from "./support.ts";

/** So many that a worker is at it for a second. */
const CHILDREN = 10_000;

Deno.test.each([["fail", "failed"], ["cancel", "canceled"]] as const)(
  'the 10,000 dependents of a failed job "%s" with it, also if its worker is killed in the middle',
  async (ifParentFails, status) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    await using doomed = new Fleet(redis.url);
    await using others = new Fleet(redis.url);
    const later = bench.queue("later");
    const parent = await bench.queue("low").enqueue("jobs.fails", "bad");
    const dependsOn = dependency(parent, { ifParentFails });
    const children = await later.enqueueMany(
      Array.from(
        { length: CHILDREN },
        () => ({ func: "jobs.nothing", dependsOn }),
      ),
    );
    const grandchild = await later.enqueueCall({
      func: "jobs.nothing",
      dependsOn: dependency(children.slice(0, 100), { ifParentFails }),
    });
    const count = async (key: string) =>
      Number(await bench.client.send("ZCARD", [key]));
    const worker = await doomed.listening("low");
    await waitFor(async () => await count(`rq:${status}:later`) > 0, {
      interval: 1,
    });
    await kill(worker);
    const left = await count("rq:deferred:later");
    assert(left > 0, "it was done before it was killed");
    await others.listening("other");
    await waitFor(async () => await count("rq:deferred:later") === 0);
    assertEquals(await count(`rq:${status}:later`), CHILDREN + 1);
    assertEquals(await grandchild.getStatus(), status);
    await waitFor(async () =>
      await bench.client.send("EXISTS", ["rq:x_releasing"]) === 0
    );
  },
);

Deno.test("replies that are lost end no child twice, and leave none behind", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using proxy = new ReplyLoser(redis.port, 10);
  using ledger = new Ledger();
  const low = bench.queue("low");
  const func = "jobs.note";
  const parents = Array.from({ length: 40 }, (_, i) => `parent-${i}`);
  await low.enqueueMany(parents.map((jobId) => ({
    func: "jobs.fails",
    args: ["bad"],
    jobId,
  })));
  for (const ifParentFails of ["fail", "cancel", "run"] as const) {
    const children = parents.map((id) => `${ifParentFails}-${id}`);
    await low.enqueueMany(children.map((jobId, i) => ({
      func,
      args: [ledger.path, jobId],
      jobId,
      dependsOn: dependency(parents[i]!, { ifParentFails }),
    })));
    await low.enqueueMany(children.map((id) => ({
      func,
      args: [ledger.path, `below-${id}`],
      jobId: `below-${id}`,
      dependsOn: dependency(id, { ifParentFails: "fail" }),
    })));
  }
  await using _worker = await WorkerProcess.listening([
    ...["low", "--url", proxy.url, "--isolation", "shared"],
    ...["--concurrency", "10"],
  ]);
  const count = async (name: string) =>
    Number(await bench.client.send("ZCARD", [`rq:${name}:low`]));
  await waitFor(async () => await count("finished") === 80);
  await waitFor(async () => await count("deferred") === 0);
  assert(proxy.lost > 1, `${proxy.lost} replies were lost`);
  const ran = ["run-", "below-run-"].flatMap((word) =>
    parents.map((id) => word + id)
  );
  assertEquals(ledger.lines().toSorted(), ran.toSorted());
  assertEquals([await count("failed"), await count("canceled")], [
    40 + 40 + 2 * 40, // the parents, those that fail with them, and those below these and the canceled ones
    40,
  ]);
  for (const id of parents) {
    for (const child of [`fail-${id}`, `below-fail-${id}`]) {
      const key = `rq:results:${child}`;
      assertEquals(await bench.client.send("XLEN", [key]), 1, child);
    }
  }
  assertEquals(await bench.client.send("EXISTS", ["rq:x_releasing"]), 0);
});
