/** The stream of what a job yields. */

import { assert, assertEquals } from "@std/assert";
import { MOST_PART_BYTES, MOST_PARTS } from "../../lib/job/parts.ts";
import { emit, entriesOf } from "../../lib/store/parts.ts";
import type { Execution } from "../../lib/store/worker_types.ts";
import { Bench } from "./support.ts";

const KEY = "rq:x_stream:a";

async function start(bench: Bench, fields = {}) {
  const worker = await bench.worker();
  await bench.add("a", { fields });
  return { worker, execution: await bench.claim(worker) };
}

function emitTo(bench: Bench, to: Execution, from: number, ...parts: string[]) {
  return emit(bench.workers, to, { from, parts, ttl: 60 });
}

async function stored(bench: Bench): Promise<string[]> {
  const entries = entriesOf(await bench.send("XRANGE", KEY, "-", "+"));
  return entries.map(({ fields }) => [...fields].flat().join(" "));
}

Deno.test("the stream of a job ends with its status and lives as long as its result or failure", async () => {
  await using bench = await Bench.open();
  const { worker, execution } = await start(bench);
  await emitTo(bench, execution, 0, "1", "2");
  await emitTo(bench, execution, 2, "3");
  assertEquals(await bench.ttl(KEY), 60);
  await bench.end(worker, execution, { outcome: "failed", ttl: 300 });
  const parts = ["attempt 1", "part 1", "part 2", "part 3"];
  assertEquals(await stored(bench), [...parts, "end failed"]);
  assertEquals(await bench.ttl(KEY), 300);
  await bench.jobs.requeue("a", false);
  const second = await bench.claim(worker);
  await emitTo(bench, second, 0, "4");
  await bench.end(worker, second, { ttl: -1, hadHeartbeat: false });
  assertEquals(await stored(bench), ["attempt 2", "part 4", "end finished"]);
  assertEquals(await bench.ttl(KEY), -1);
});

Deno.test("the first run's stream is ended, too: its job's fields did not tell of it when it was claimed", async () => {
  await using bench = await Bench.open();
  const { worker, execution } = await start(bench);
  await emitTo(bench, execution, 0, "1");
  const plain = { hadHeartbeat: false, needsHooks: true };
  await bench.end(worker, execution, plain);
  assertEquals((await stored(bench)).at(-1), "end finished");
});

Deno.test("what a job yields is gone with the job, and left for a minute if it keeps no result", async () => {
  await using bench = await Bench.open();
  const { worker, execution } = await start(bench);
  await emitTo(bench, execution, 0, "1");
  await bench.jobs.cancel("a");
  assertEquals((await stored(bench)).at(-1), "end canceled");
  await bench.jobs.delete("a");
  assertEquals(await bench.ttl(KEY), -2);
  await bench.add("a");
  const second = await bench.claim(worker);
  await emitTo(bench, second, 0, "1");
  await bench.end(worker, second, { ttl: 0 });
  assertEquals(await bench.status("a"), null);
  assertEquals((await stored(bench)).at(-1), "end finished");
  assertEquals(await bench.ttl(KEY), 60);
});

Deno.test("a stream is bounded, in parts and in bytes", async () => {
  await using bench = await Bench.open();
  const { execution } = await start(bench);
  const large = "1".repeat(MOST_PART_BYTES);
  assertEquals(await emitTo(bench, execution, 0, large), "kept");
  assertEquals(await emitTo(bench, execution, 1, "1"), "full");
  assertEquals(await emitTo(bench, execution, MOST_PARTS, "1"), "full");
  assertEquals((await stored(bench)).length, 2);
});

Deno.test("a key of another type gives way to the stream, and a job of somebody else's is not written to", async () => {
  await using bench = await Bench.open();
  const { execution } = await start(bench);
  await bench.send("SET", KEY, "text");
  assertEquals(await emitTo(bench, execution, 0, "1"), "kept");
  assertEquals(await stored(bench), ["attempt 1", "part 1"]);
  await bench.expire(execution);
  await bench.sweep();
  assertEquals(await emitTo(bench, execution, 1, "2"), "lost");
  assert(!(await stored(bench)).includes("part 2"));
});
