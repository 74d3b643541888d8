/** A worker that is killed while it ends the very many jobs that end with a parent of theirs. */

import { assert, assertEquals } from "@std/assert";
import { dependency } from "../../mod.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { Bench } from "../e2e/support.ts";
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
