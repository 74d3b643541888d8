/** Jobs that are stored first and enqueued later: what their hashes say holds as if they were enqueued at once. */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
} from "@std/assert";
import { encodeData } from "../../lib/job/codec.ts";
import { ReplyError } from "../../lib/redis/redis_client.ts";
import { create, enqueueCreated } from "../../lib/store/created_jobs.ts";
import type { EnqueueCreatedOptions } from "../../lib/store/created_jobs.ts";
import { Bench, newJob } from "./support.ts";

function enqueue(
  bench: Bench,
  id = "a",
  options: Partial<EnqueueCreatedOptions> = {},
) {
  const all = { queue: "q", resend: true, ...options };
  return enqueueCreated(bench.jobs, id, all);
}

/** The hash as Python writes it, which writes what is unset as empty text. */
async function addAsPython(
  bench: Bench,
  fields: Readonly<Record<string, string | number>> = {},
): Promise<void> {
  const hash = {
    created_at: "2026-01-02T03:04:05.000006Z",
    data: encodeData("jobs.f", "[1]", "{}"),
    ...{ success_callback_name: "", failure_callback_name: "", group_id: "" },
    ...{ started_at: "", ended_at: "", last_heartbeat: "", worker_name: "" },
    status: "created",
    ...fields,
  };
  await bench.send("HSET", "rq:job:a", ...Object.entries(hash).flat());
}

Deno.test("a job that is created is in no place, and does not expire", async () => {
  await using bench = await Bench.open();
  await create(bench.jobs, newJob("a", { ttl: 60, due: "+5", atFront: true }));
  assertEquals(await bench.status("a"), "created");
  assertEquals(Object.keys(await bench.dump()), ["rq:job:a"]);
  assertEquals(await bench.ttl("rq:job:a"), -1);
});

Deno.test("a created job is enqueued on the queue that is named, with the time that it may wait", async () => {
  await using bench = await Bench.open();
  await create(bench.jobs, newJob("a", { ttl: 60 }));
  const outcome = await enqueue(bench, "a", { queue: "other" });
  assert("enqueuedAt" in outcome && outcome.enqueuedAt !== "");
  assertEquals(await bench.queued("other"), ["a"]);
  assertEquals(await bench.field("a", "origin"), "other");
  assertEquals(await bench.field("a", "timeout"), "180");
  assert(await bench.ttl("rq:job:a") > 50);
});

Deno.test("a created job goes to the head of its queue if it says so, or the call", async () => {
  await using bench = await Bench.open();
  await bench.add("first");
  await create(bench.jobs, newJob("a", { atFront: true }));
  await create(bench.jobs, newJob("b"));
  await create(bench.jobs, newJob("c"));
  await enqueue(bench, "a");
  await enqueue(bench, "b", { atFront: true });
  await enqueue(bench, "c");
  assertEquals(await bench.queued(), ["b", "a", "first", "c"]);
});

Deno.test("the delay of a created job begins when it is enqueued", async () => {
  await using bench = await Bench.open();
  await create(bench.jobs, newJob("a", { due: "+3600" }));
  const before = Number((await bench.send("TIME") as string[])[0]);
  await enqueue(bench);
  const due = Number(await bench.send("ZSCORE", "rq:scheduled:q", "a"));
  assertAlmostEquals(due, before + 3_600, 60);
  assertEquals(await bench.field("a", "x_due"), null);
});

Deno.test("a created job waits for its parents, and then until it is due", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("p");
  await create(bench.jobs, newJob("a", { dependsOn: ["p"], due: "+3600" }));
  await enqueue(bench);
  assertEquals(await bench.status("a"), "deferred");
  await bench.run(worker);
  assertEquals(await bench.status("a"), "scheduled");
});

Deno.test("a created job takes a slot of its rate limit, or waits for one", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const fields = { rate_limit_key: "k", rate_limit_concurrency: 1 };
  for (const id of ["a", "b"]) {
    await create(bench.jobs, newJob(id, { fields }));
    await enqueue(bench, id);
  }
  assertEquals([await bench.status("a"), await bench.status("b")], [
    "queued",
    "rate_limited",
  ]);
  await bench.run(worker);
  assertEquals(await bench.status("b"), "queued");
});

Deno.test("a job that Python has created gets the queue's time limit if it has none", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await addAsPython(bench);
  await enqueue(bench, "a", { timeout: 7 });
  assertEquals(await bench.field("a", "timeout"), "7");
  assertEquals(await bench.field("a", "origin"), "q");
  assertEquals((await bench.claim(worker)).job.call.funcName, "jobs.f");
});

Deno.test("a job that Python has created keeps its own time limit", async () => {
  await using bench = await Bench.open();
  await addAsPython(bench, { timeout: 30 });
  await enqueue(bench, "a", { timeout: 7 });
  assertEquals(await bench.field("a", "timeout"), "30");
});

Deno.test.each<[string, Readonly<Record<string, string>>]>([
  ["parents that are no list", { dependency_ids: "{" }],
  ["parents that are no texts", { dependency_ids: "[{}]" }],
])(
  "a created job with %s is refused, and stays as it is",
  async (_name, fields) => {
    await using bench = await Bench.open();
    await addAsPython(bench, fields);
    const before = await bench.dump();
    await assertRejects(() => enqueue(bench), ReplyError);
    assertEquals(await bench.dump(), before);
  },
);

Deno.test.each<[string, Readonly<Record<string, string>>]>([
  ["ttl", { ttl: "soon" }],
  ["time", { x_due: "inf" }],
  ["time again", { x_due: "+x" }],
])(
  "a created job whose %s is no number is enqueued without",
  async (_name, fields) => {
    await using bench = await Bench.open();
    await addAsPython(bench, fields);
    await enqueue(bench);
    assertEquals([await bench.status("a"), await bench.queued()], [
      "queued",
      ["a"],
    ]);
    assertEquals(await bench.ttl("rq:job:a"), -1);
  },
);

Deno.test("a hash with more fields than a job has is refused", async () => {
  await using bench = await Bench.open();
  await addAsPython(bench);
  const fields = Array.from({ length: 200 }, (_, i) => [`f${i}`, i]).flat();
  await bench.send("HSET", "rq:job:a", ...fields);
  await assertRejects(() => enqueue(bench), ReplyError, "more fields");
  assertEquals(await bench.status("a"), "created");
});

Deno.test("a queue that is no list refuses a created job, which stays as it is", async () => {
  await using bench = await Bench.open();
  await create(bench.jobs, newJob("a"));
  await bench.send("SET", "rq:queue:q", "text");
  const before = await bench.dump();
  await assertRejects(() => enqueue(bench), ReplyError);
  assertEquals(await bench.dump(), before);
});

Deno.test("of many that enqueue a created job at the same time, one does", async () => {
  await using bench = await Bench.open();
  await create(bench.jobs, newJob("a"));
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, () => enqueue(bench)),
  );
  assertEquals(outcomes.filter((o) => "enqueuedAt" in o).length, 1);
  assertEquals(await bench.queued(), ["a"]);
});
