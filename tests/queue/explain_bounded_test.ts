/** Asking why a job does not run holds up nobody, however many jobs there are. */

import { assert, assertEquals } from "@std/assert";
import { explainJob } from "../../lib/queue/explain_job.ts";
import { list, texts } from "../../lib/store/replies.ts";
import { Bench, newJob } from "../store/support.ts";

/** Makes a million queued ids. */
const MILLION = `
for i = 1, 1000 do
  local ids = {}
  for k = 1, 1000 do ids[k] = 'job-' .. i .. '-' .. k end
  redis.call('RPUSH', KEYS[1], unpack(ids))
end`;

/** Milliseconds of the slowest command since the log was emptied. The bound is generous: it is the order of magnitude that counts. */
async function slowest(bench: Bench): Promise<number> {
  const log = list(await bench.send("SLOWLOG", "GET", 10_000));
  const commands = log.map(list)
    .filter((entry) => texts(entry[3] ?? null)[0] !== "SLOWLOG");
  return Math.max(...commands.map((entry) => Number(entry[2]) / 1_000));
}

Deno.test("a job behind a million others, and one with thousands of parents, are explained in short steps", async () => {
  await using bench = await Bench.open();
  await bench.worker();
  await bench.send("EVAL", MILLION, 1, bench.keys.queue("q"));
  await bench.add("z");
  const parents = Array.from({ length: 5_000 }, (_, i) => `parent-${i}`);
  await bench.jobs.enqueueMany(parents.map((id) => newJob(id)));
  await bench.add("child", { dependsOn: parents });
  await bench.send("CONFIG", "SET", "slowlog-max-len", 10_000);
  await bench.send("CONFIG", "SET", "slowlog-log-slower-than", 0);
  await bench.send("SLOWLOG", "RESET");
  const [behind] = (await explainJob(bench.jobs, "z")).reasons;
  assert(behind?.code === "behind");
  assertEquals(behind.count, 1_000_000);
  const [waits] = (await explainJob(bench.jobs, "child")).reasons;
  assert(waits?.code === "waits_for_parents");
  assertEquals([waits.count, waits.parents.length], [5_000, 10]);
  const ms = await slowest(bench);
  assert(ms < 100, `the slowest command took ${ms} ms`);
});
