/** What a running job may ask of its worker. */

import { assertEquals, assertRejects } from "@std/assert";
import { ExecutionHost } from "../../lib/worker/job_host.ts";
import { Bench } from "../store/support.ts";

async function hosted(bench: Bench, mayEnqueue: (queue: string) => boolean) {
  const worker = await bench.worker();
  await bench.add("a");
  const execution = await bench.claim(worker);
  const host = new ExecutionHost(bench.workers, execution, {
    mayEnqueue,
    bigInts: false,
  });
  return { host, execution };
}

Deno.test("a job's metadata and progress are stored as long as the job has its lease", async () => {
  await using bench = await Bench.open();
  const { host, execution } = await hosted(bench, () => true);
  await host.saveMeta({ set: { step: 2 }, removed: [] });
  await host.saveProgress(0.5, undefined);
  assertEquals(await bench.field("a", "meta"), `{"step":2}`);
  assertEquals(await bench.field("a", "x_progress"), "0.5");
  await bench.expire(execution);
  await bench.sweep();
  await assertRejects(
    () => host.saveMeta({ set: { step: 3 }, removed: [] }),
    Error,
    `Cannot record anything of job "a"`,
  );
  assertEquals(await bench.field("a", "meta"), `{"step":2}`);
});

Deno.test("a job adds jobs to its own queue if it names none, and to others only if it may", async () => {
  await using bench = await Bench.open();
  const { host } = await hosted(bench, (queue) => queue === "q");
  const id = await host.enqueue({ func: "jobs.add", options: {} });
  assertEquals(await bench.queued(), [id]);
  await assertRejects(
    () => host.enqueue({ queue: "other", func: "jobs.add", options: {} }),
    Deno.errors.NotCapable,
    `Cannot enqueue on "other"`,
  );
  assertEquals(await bench.queued("other"), []);
});
