/** Workers die, and replies are lost, while a group ends: each member is counted once, and each call is made once. */

import { assertEquals } from "@std/assert";
import { Group } from "../../mod.ts";
import { Bench, Ledger } from "../e2e/support.ts";
import { sized } from "../support/long.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { assertDrained, Fleet, kill, until } from "./support.ts";

const MEMBERS = sized(300, 1_000);
const KILLS = sized(4, 12);

Deno.test(`a group of ${MEMBERS} members whose workers are killed ${KILLS} times is complete once`, async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  using calls = new Ledger();
  const call = (line: string) => ({
    func: "jobs.note",
    args: [calls.path, line],
    queue: "low",
  });
  const group = await Group.create({
    connection: bench.client,
    onComplete: call("complete"),
    onSuccess: call("success"),
    onFailure: call("failure"),
  });
  const flags = ["low", "--isolation", "shared", "--concurrency", "20"];
  await group.enqueueMany(
    bench.queue("low"),
    Array.from({ length: MEMBERS }, (_, i) => ({
      func: "jobs.notesSpan",
      args: [ledger.path, `job-${i}`],
    })),
  );
  for (let n = 0; n < KILLS; n++) {
    const worker = fleet.start(...flags);
    const before = ledger.lines().length;
    await waitFor(() => ledger.lines().length > before);
    await until(performance.now() + Math.random() * 200);
    await kill(worker);
  }
  await Promise.all([fleet.listening(...flags), fleet.listening(...flags)]);
  const { total, finished } = await group.wait({ timeout: "3m" });
  assertEquals([total, finished], [MEMBERS, MEMBERS]);
  await waitFor(() => calls.lines().length >= 2);
  await assertDrained(bench, ["low"]);
  assertEquals(calls.lines().toSorted(), ["complete", "success"]);
});
