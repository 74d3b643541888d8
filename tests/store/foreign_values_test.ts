/** Keys and fields of one job that hold what nobody should have written harm no other job. */

import { assert, assertEquals } from "@std/assert";
import { encodeFailure } from "../../lib/job/result_codec.ts";
import { Bench } from "./support.ts";

/** The last id that an entry of a stream may have: nothing can be added behind it. */
const LAST_ID = "18446744073709551615-18446744073709551615";

Deno.test("successes are recorded together with one whose stream of results takes no more entries", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const ids = ["a", "odd", "z"];
  for (const id of ids) await bench.add(id);
  await bench.send("XADD", "rq:results:odd", LAST_ID, "type", 1);
  const { executions } = await bench.workers.claim(worker, { jobs: 3 });
  const ends = executions.map((execution) => ({
    execution,
    outcome: "finished" as const,
    ttl: 500,
    payload: btoa("1"),
    workedMs: 1,
    hadHeartbeat: false,
  }));
  await Promise.all(bench.workers.end(worker, ends, "idle"));
  assertEquals(await bench.members("rq:finished:q"), ids);
  assertEquals((await bench.jobs.latestResult("odd"))?.returnValue, btoa("1"));
  assertEquals(await bench.ttl("rq:job:odd"), 500);
});

Deno.test("a failure is recorded of a job whose stream of results takes no more entries", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("odd");
  await bench.send("XADD", "rq:results:odd", LAST_ID, "type", 1);
  const payload = encodeFailure("Error: bad");
  await bench.run(worker, { outcome: "failed", payload });
  assertEquals(await bench.members("rq:failed:q"), ["odd"]);
  assertEquals((await bench.jobs.latestResult("odd"))?.excString, payload);
});

Deno.test.each([["rq:executions:a"], ["rq:worker:w1:executions"]])(
  "a string under %s costs no job its lease",
  async (key) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    for (const id of ["a", "b"]) await bench.add(id);
    const { executions } = await bench.workers.claim(worker, { jobs: 2 });
    await bench.send("SET", key, "text");
    for (const execution of executions) await bench.expire(execution);
    const { lost } = await bench.workers.heartbeat(worker, 60, executions);
    assertEquals(lost.size, 0);
    assertEquals(await bench.send("ZCOUNT", "rq:wip:q", 1, 1), 0);
    assertEquals([await bench.send("GET", key), await bench.ttl(key)], [
      "text",
      -1,
    ]);
  },
);

Deno.test.each<[string, string, string]>([
  ["a list", "RPUSH", "text"],
  ["no number", "SET", "text"],
])(
  "popped jobs go back if the time since when is %s for one of them",
  async (_what, command, value) => {
    await using bench = await Bench.open();
    for (const id of ["a", "odd", "z"]) await bench.add(id);
    await bench.send("RENAME", "rq:queue:q", "rq:queue:q:intermediate");
    const seen = "rq:queue:q:intermediate:first_seen";
    for (const id of ["a", "z"]) await bench.send("SET", `${seen}:${id}`, 1);
    await bench.send(command, `${seen}:odd`, value);
    await bench.sweep();
    assertEquals(await bench.queued(), ["a", "z"]);
    assert(Number(await bench.send("GET", `${seen}:odd`)) > 1);
    await bench.send("SET", `${seen}:odd`, 1, "XX"); // as time does
    await bench.sweep();
    assertEquals(await bench.queued(), ["odd", "a", "z"]);
  },
);

Deno.test("a failed job whose retry is never due is scheduled, although nobody can be told when", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const fields = { retries_left: 1, retry_intervals: "[1e999]" };
  await bench.add("odd", { fields });
  const execution = await bench.claim(worker);
  await bench.send("HSET", "rq:x_schedulers", "q", "w1");
  assertEquals(
    await bench.end(worker, execution, { outcome: "failed" }),
    "scheduled",
  );
});
