/** Many jobs that are enqueued at once end as they would if each came alone. */

import { assert, assertEquals } from "@std/assert";
import { DuplicateJobError, NoSuchJobError } from "../../lib/base/errors.ts";
import { ReplyError } from "../../lib/redis/redis_client.ts";
import type { RedisClient, SendOptions } from "../../lib/redis/redis_client.ts";
import { JobStore } from "../../lib/store/job_store.ts";
import type { Enqueued } from "../../lib/store/enqueuer.ts";
import type { NewJob } from "../../lib/store/new_job.ts";
import { type AddOptions, Bench, masked, newJob } from "./support.ts";

type Outcomes = PromiseSettledResult<Enqueued>[];

function shown(outcomes: Outcomes): string[] {
  return outcomes.map((outcome) =>
    masked(
      outcome.status === "fulfilled"
        ? `${outcome.value.status} ${outcome.value.enqueuedAt}`
        : String(outcome.reason),
    )
  );
}

/** Jobs of every kind, good ones between those that are refused. */
const MIXED: [string, AddOptions][] = [
  ["a1", {}],
  ["waits", {}], // taken
  ["new1", { isIdNew: true }],
  ["new2", { isIdNew: true }],
  ["a2", { fields: { description: "ä €" } }],
  ["a1", {}], // taken by the first
  ["a3", { ttl: 300 }],
  ["spoiled", {}], // its key holds a text
  ["front1", { atFront: true }],
  ["front2", { atFront: true }],
  ["over", { fields: { meta: "{}" } }], // makes room
  ["over", {}], // taken again
  ["orphan", { dependsOn: ["a1", "gone"] }], // nobody knows one of its parents
  ["child", { dependsOn: ["a1", "a3"] }],
  ["child2", { dependsOn: ["ended"], ttl: 300 }], // waits for nothing
  ["a4", { fields: { data: "x".repeat(1_000_000) } }],
  ["short", { fields: { result_ttl: 0 } }],
  ["a5", { fields: { data: Uint8Array.of(0x78, 0x9c, 0, 255) } }],
  ["loose", {}], // makes room, although a key of its past holds a text
  ["a6", {}],
];

/** The errors of those that are not refused because their id is taken. */
const TYPES: Readonly<
  Record<string, typeof ReplyError | typeof NoSuchJobError>
> = {
  spoiled: ReplyError,
  orphan: NoSuchJobError,
};

async function prepared(): Promise<Bench> {
  const bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["over", "ended", "loose"]) {
    await bench.add(id);
    await bench.run(worker);
  }
  await bench.send("HSET", "rq:job:loose", "group_id", "g");
  await bench.send("SET", "rq:group:g", "x");
  await bench.add("waits");
  await bench.send("SET", "rq:job:spoiled", "x");
  return bench;
}

Deno.test("jobs that are refused, in the middle of many, are refused alone", async () => {
  await using single = await prepared();
  await using many = await prepared();
  const one: Outcomes = [];
  for (const [id, options] of MIXED) {
    one.push(...await Promise.allSettled([single.add(id, options)]));
  }
  const jobs = MIXED.map(([id, options]) => newJob(id, options));
  const all = await many.jobs.enqueueMany(jobs);
  assertEquals(shown(all), shown(one));
  assertEquals(await many.queued(), await single.queued());
  assertEquals(await many.allKeys(), await single.allKeys());
  const refused = all.flatMap((outcome, i) =>
    outcome.status === "rejected" ? [[jobs[i]!.id, outcome.reason]] : []
  );
  assertEquals(refused.map(([id]) => id), [
    "waits",
    "a1",
    "spoiled",
    "over",
    "orphan",
  ]);
  for (const [id, reason] of refused) {
    const type = TYPES[id!] ?? DuplicateJobError;
    assert(reason instanceof type, `${id}: ${reason}`);
  }
  const [big, bytes] = ["a4", "a5"].map((id) => many.jobs.fetch(id));
  assertEquals((await big)!.fields.get("data")!.length, 1_000_000);
  assertEquals(
    (await bytes)!.fields.get("data"),
    Uint8Array.of(120, 156, 0, 255),
  );
  assertEquals([await many.ttl("rq:job:a3"), await many.ttl("rq:job:a6")], [
    300,
    -1,
  ]);
});

Deno.test("many jobs on a queue whose key holds something else are all refused, and nothing is written", async () => {
  await using bench = await Bench.open();
  for (const key of ["rq:queue:q", "rq:queues"]) {
    await bench.send("FLUSHALL");
    await bench.send("SET", key, "x");
    const before = await bench.dump();
    const ids = Array.from({ length: 120 }, (_, i) => `job-${i}`);
    const outcomes = await bench.jobs.enqueueMany(ids.map((id) => newJob(id)));
    assertEquals(outcomes.length, 120);
    for (const outcome of outcomes) {
      assert(outcome.status === "rejected");
      assert(outcome.reason instanceof ReplyError);
      assertEquals(outcome.reason.code, "WRONGTYPE");
    }
    assertEquals(await bench.dump(), before);
  }
});

Deno.test("many jobs are refused by a Redis that is full, and nothing is written", async () => {
  await using bench = await Bench.open();
  await bench.client.send("CONFIG", ["SET", "maxmemory", 1]);
  const jobs = ["a", "b", "c"].map((id) => newJob(id));
  const outcomes = await bench.jobs.enqueueMany(jobs);
  for (const outcome of outcomes) {
    assert(outcome.status === "rejected");
    assert(outcome.reason instanceof ReplyError);
    assertEquals(outcome.reason.code, "OOM");
  }
  assertEquals(await bench.allKeys(), []);
});

Deno.test.each(
  [
    ["whose ids are made up", true],
    ["whose ids are given", false],
  ] as const,
)(
  "ten thousand jobs at once %s are in their order, and take few calls",
  async (_, isIdNew) => {
    await using bench = await Bench.open();
    await bench.add("before");
    const ids = Array.from({ length: 10_000 }, (_, i) => `job-${i}`);
    const jobs = ids.map((id) => newJob(id, { isIdNew }));
    const outcomes = await bench.jobs.enqueueMany(jobs);
    assert(outcomes.every(({ status }) => status === "fulfilled"));
    assertEquals(await bench.queued(), ["before", ...ids]);
    const stats = String(await bench.send("INFO", "commandstats"));
    const calls = stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g);
    const sum = [...calls].reduce((sum, [, count]) => sum + Number(count), 0);
    assert(sum <= 210, `${sum} calls`);
  },
);

Deno.test("jobs at the front come in the order in which each was put before the others", async () => {
  await using bench = await Bench.open();
  await bench.add("x");
  const ids = Array.from({ length: 120 }, (_, i) => `job-${i}`);
  await bench.jobs.enqueueMany(ids.map((id) => newJob(id, { atFront: true })));
  assertEquals(await bench.queued(), [...ids.toReversed(), "x"]);
});

/** A client that tells with which options each script was sent. */
function listening(client: RedisClient, sent: (SendOptions | undefined)[]) {
  return {
    ...client,
    send: (...[command, args, options]: Parameters<RedisClient["send"]>) => {
      sent.push(options);
      return client.send(command, args, options);
    },
  } as RedisClient;
}

Deno.test("a job that keeps no result is not sent again with those that may be", async () => {
  await using bench = await Bench.open();
  const sent: (SendOptions | undefined)[] = [];
  const store = new JobStore(listening(bench.client, sent), bench.keys);
  const jobs = ["a", "b", "c", "d", "e"].map((id): NewJob =>
    newJob(id, { fields: "cd".includes(id) ? { result_ttl: 0 } : {} })
  );
  await store.enqueueMany(jobs);
  assertEquals(sent.map((options) => options?.resend ?? false), [
    true,
    false,
    true,
  ]);
  assertEquals(await bench.queued(), ["a", "b", "c", "d", "e"]);
});

Deno.test("a job's enqueued_at is the server's time, whatever second its client is in", async () => {
  await using bench = await Bench.open();
  const clock = Date.now;
  try {
    for (const millis of [undefined, 0, 4e12]) {
      const before = clock();
      if (millis !== undefined) Date.now = () => millis;
      const job = newJob(`job-${millis}`);
      const { enqueuedAt } = await bench.jobs.enqueue(job);
      const date = new Date(enqueuedAt).getTime();
      assert(/^[\d-]{10}T[\d:]{8}\.\d{6}Z$/.test(enqueuedAt), enqueuedAt);
      assert(date >= before - 1_000 && date <= clock() + 1_000, enqueuedAt);
      assertEquals(await bench.field(job.id, "enqueued_at"), enqueuedAt);
    }
  } finally {
    Date.now = clock;
  }
});
