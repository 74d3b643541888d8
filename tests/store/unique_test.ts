/** Unique keys: who holds one, until when, and what becomes of a job that meets a taken one. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { DuplicateJobError } from "../../lib/base/errors.ts";
import { RELEASE_DEPENDENTS } from "../../lib/store/scripts/release_dependents.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import { waitFor } from "../support/wait_for.ts";
import { Bench, endOne, newJob, sendingBy } from "./support.ts";
import { add, ERROR, type Fields, KEY, SKIP, unique } from "./unique_jobs.ts";

const REPLACE = unique("ended replace");

Deno.test("a taken key refuses a job, and says which job holds it; another key or queue is free", async () => {
  await using bench = await Bench.open();
  assertEquals(await add(bench, "a", ERROR), "queued");
  assertEquals(await add(bench, "b", ERROR), "held by a");
  assertEquals(await bench.status("b"), null);
  assertEquals(await add(bench, "c", { ...ERROR, x_unique: "l" }), "queued");
  await bench.add("d", { queue: "other", fields: ERROR });
  assertEquals(await bench.queued(), ["a", "c"]);
  let message = "";
  await bench.add("b", { fields: ERROR }).catch((e) => message = e.message);
  assertEquals(
    message,
    `Cannot enqueue job "b": unique key "k" of queue "q" is held by job "a", which is queued; wait for it, or use ifTaken "skip"`,
  );
});

Deno.test("a colon in a queue or a key makes no other key of it", async () => {
  await using bench = await Bench.open();
  await bench.add("a", { queue: "q:x", fields: { ...ERROR, x_unique: "k" } });
  await bench.add("b", { queue: "q", fields: { ...ERROR, x_unique: "x:k" } });
  assertEquals(await bench.jobs.uniqueHolder("q:x", "k"), "a");
  assertEquals(await bench.jobs.uniqueHolder("q", "x:k"), "b");
});

Deno.test("with skip, the job that holds the key is the answer, and nothing is enqueued", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await add(bench, "a", SKIP);
  assertEquals(await add(bench, "b", SKIP), "holder a");
  const execution = await bench.claim(worker);
  assertEquals(await add(bench, "b", SKIP), "holder a");
  await bench.end(worker, execution);
  assertEquals(await add(bench, "b", SKIP), "queued");
  assertEquals(await bench.queued(), ["b"]);
});

Deno.test("jobs of one call meet one another, in their order", async () => {
  await using bench = await Bench.open();
  const many = async (fields: Fields, ids: string[]) => {
    const jobs = ids.map((id) => newJob(id, { isIdNew: true, fields }));
    const outcomes = await bench.jobs.enqueueMany(jobs);
    return outcomes.map((outcome) =>
      outcome.status === "rejected"
        ? outcome.reason.jobId
        : outcome.value.existing ?? outcome.value.status
    );
  };
  assertEquals(await many(SKIP, ["a", "b", "c"]), ["queued", "a", "a"]);
  assertEquals(await many(ERROR, ["d", "e"]), ["a", "a"]);
  const replaced = await many(REPLACE, ["f", "g", "h"]);
  assertEquals(replaced, ["queued", "queued", "queued"]);
  assertEquals(await bench.queued(), ["h"]);
  assertEquals(await bench.status("g"), null);
});

Deno.test("a replaced job is gone from wherever it waits, and the new one is at its own place", async () => {
  await using bench = await Bench.open();
  await bench.add("p");
  const LIMIT = { rate_limit_key: "l", rate_limit_concurrency: 1 };
  await bench.add("other", { fields: LIMIT });
  const waits: [string, () => Promise<string>][] = [
    ["rq:scheduled:q", () => add(bench, "a", REPLACE, { due: "+600" })],
    ["rq:deferred:q", () => add(bench, "b", REPLACE, { dependsOn: ["p"] })],
    [
      "rq:rl:l:rate_limited",
      () => add(bench, "c", { ...REPLACE, ...LIMIT }),
    ],
    ["rq:queue:q", () => add(bench, "d", REPLACE)],
    ["rq:scheduled:q", () => add(bench, "e", REPLACE, { due: "+600" })],
  ];
  let last = "";
  for (const [i, [place, enqueue]] of waits.entries()) {
    const id = "abcde"[i]!;
    await enqueue();
    const dump = await bench.dump();
    const holding = Object.entries(dump).filter(([key, value]) =>
      key.includes(place) && value.includes(id)
    );
    assertEquals(holding.map(([key]) => key), [place]);
    if (last !== "") {
      const left = Object.entries(dump)
        .filter(([key, value]) =>
          key === `rq:job:${last}` || new RegExp(`"${last}["=]`).test(value)
        );
      assertEquals(left, [], last);
    }
    last = id;
  }
  assertEquals(await bench.jobs.uniqueHolder("q", "k"), "e");
});

Deno.test("a job that runs is not replaced: it goes on, and the new one takes the key from it", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await add(bench, "a", REPLACE);
  const execution = await bench.claim(worker);
  assertEquals(await add(bench, "b", REPLACE), "queued");
  assertEquals(await add(bench, "c", SKIP), "holder b");
  assertEquals(await bench.end(worker, execution), "finished");
  assertEquals(await bench.jobs.uniqueHolder("q", "k"), "b");
});

Deno.test("a replaced job may have the same id", async () => {
  await using bench = await Bench.open();
  await add(bench, "a", { ...REPLACE, description: "first" });
  assertEquals(
    await add(bench, "a", { ...REPLACE, description: "second" }),
    "queued",
  );
  assertEquals(await bench.field("a", "description"), "second");
  assertEquals(await bench.queued(), ["a"]);
  assertEquals(await add(bench, "a", SKIP), "holder a");
});

Deno.test("until it has started: the key is free from the claim on, and again taken by a job that was put back unbegun", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const fields = unique("started skip");
  await add(bench, "a", fields);
  assertEquals(await add(bench, "b", fields), "holder a");
  const first = await bench.claim(worker);
  assertEquals(await bench.jobs.uniqueHolder("q", "k"), null);
  await bench.end(worker, first, { outcome: "released", ttl: -1 });
  assertEquals(await add(bench, "b", fields), "holder a");
  const second = await bench.claim(worker);
  assertEquals(await add(bench, "b", fields), "queued");
  await bench.end(worker, second, { outcome: "requeued" });
  assertEquals(await bench.queued(), ["a", "b"]);
  assertEquals(await add(bench, "c", fields), "holder b");
});

Deno.test("until a time has passed: whatever becomes of the job, and by itself", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const fields = unique("0.5 error");
  await add(bench, "a", unique("60 error"));
  const ttl = Number(await bench.send("PTTL", KEY));
  assert(ttl > 50_000 && ttl <= 60_000, `${ttl}`);
  await bench.run(worker, { ttl: 0 });
  assertEquals(await add(bench, "b", fields), "held by a");
  assertEquals(await add(bench, "b", unique("60 skip")), "holder a");
  assertEquals(await add(bench, "b", REPLACE), "held by a");
  await bench.send("PEXPIRE", KEY, 1);
  await waitFor(async () => await bench.send("EXISTS", KEY) === 0);
  assertEquals(await add(bench, "b", fields), "queued");
  await bench.jobs.delete("b");
  assertEquals(await add(bench, "c", fields), "held by b");
});

Deno.test("a call that is sent again when its job is gone does not say that it was skipped by itself", async () => {
  await using bench = await Bench.open();
  const job = newJob("a", { fields: unique("60 skip") });
  await bench.jobs.enqueue(job);
  await bench.send("DEL", "rq:job:a");
  assertEquals((await bench.jobs.enqueue(job)).existing, undefined);
  assertEquals(await bench.status("a"), null);
});

Deno.test("a key that is left of a job is free: the id is another job's by now, or Python has ended it", async () => {
  await using bench = await Bench.open();
  await add(bench, "a", ERROR);
  // RQ writes over the hash of a job with the same id
  await bench.send("HSET", "rq:job:a", "created_at", "2026-01-02T03:04:05Z");
  assertEquals(await add(bench, "b", ERROR), "queued");
  for (const status of ["finished", "failed", "stopped", "canceled"]) {
    const holder = await bench.jobs.uniqueHolder("q", "k");
    // RQ before 2 knows of no repeats
    const ended = ["status", status, "repeats_left", 1];
    await bench.send("HSET", `rq:job:${holder}`, ...ended);
    assertEquals(await add(bench, `over-${status}`, ERROR), "queued");
  }
  await bench.send("DEL", "rq:job:over-canceled");
  assertEquals(await add(bench, "c", ERROR), "queued");
  await bench.send("HDEL", "rq:job:c", "x_unique");
  assertEquals(await add(bench, "d", ERROR), "queued");
});

Deno.test("until it has started: Python has started it, and has put it back for a retry", async () => {
  await using bench = await Bench.open();
  const fields = unique("started error");
  await add(bench, "a", fields);
  const started = ["started_at", "2026-01-02T03:04:05.000006Z"];
  await bench.send("HSET", "rq:job:a", "status", "scheduled", ...started);
  assertEquals(await add(bench, "b", fields), "queued");
});

Deno.test("a job that waits for a retry or a repeat keeps its key", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const again = { retries_left: 1, repeats_left: 1, repeat_intervals: "[600]" };
  await add(bench, "a", { ...ERROR, ...again });
  assertEquals(await bench.run(worker, { outcome: "failed" }), "a");
  assertEquals(await add(bench, "b", ERROR), "held by a");
  await bench.run(worker);
  assertEquals(await bench.status("a"), "scheduled");
  assertEquals(await add(bench, "b", ERROR), "held by a");
  await bench.send("ZADD", "rq:scheduled:q", 1, "a");
  await bench.sweeps.promoteScheduled("q");
  await bench.run(worker);
  assertEquals(await add(bench, "b", ERROR), "queued");
});

Deno.test("a repeated job keeps its key while its dependents are being released", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await add(bench, "a", { ...ERROR, repeats_left: 1 });
  const ids = Array.from({ length: 150 }, (_, i) => `c${i}`);
  await bench.jobs.enqueueMany(
    ids.map((id) => newJob(id, { queue: "other", dependsOn: ["a"] })),
  );
  const execution = await bench.claim(worker);
  // the worker dies before it has released the rest
  const client = sendingBy(
    bench.client,
    (command, args, options) =>
      args?.[0] === RELEASE_DEPENDENTS.sha
        ? Promise.reject(new Error("killed"))
        : bench.client.send(command, args, options),
  );
  const workers = new WorkerStore(client, bench.keys);
  const ending = { outcome: "finished", ttl: 500, payload: "" } as const;
  await assertRejects(
    () => endOne(workers, worker, execution, { ...ending, workedMs: 1 }),
    Error,
    "killed",
  );
  assertEquals(await bench.status("a"), "finished");
  assertEquals(await add(bench, "b", ERROR), "held by a");
  await bench.sweeps.releaseHeld();
  assertEquals(await bench.queued(), ["a"]);
  assertEquals(await add(bench, "b", ERROR), "held by a");
});

Deno.test("a job that is requeued takes its key back, unless another one has it", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await add(bench, "a", ERROR);
  await bench.run(worker, { outcome: "failed" });
  assertEquals(await bench.allKeys().then((keys) => keys.includes(KEY)), false);
  await add(bench, "b", ERROR);
  const { done, holder } = await bench.jobs.requeue("a", false);
  assertEquals([done, holder?.jobId], [false, "b"]);
  assertEquals(await bench.status("a"), "failed");
  await bench.run(worker);
  assertEquals((await bench.jobs.requeue("a", false)).done, true);
  assertEquals(await add(bench, "c", ERROR), "held by a");
});

Deno.test("a job frees only its own key: by hand, it may be another one's by then", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await add(bench, "a", ERROR);
  assertEquals(await bench.jobs.uniqueHolder("q", "k"), "a");
  assertEquals(await bench.jobs.freeUnique("q", "k"), true);
  assertEquals(await bench.jobs.freeUnique("q", "k"), false);
  assertEquals(await bench.jobs.uniqueHolder("q", "k"), null);
  await add(bench, "b", ERROR);
  await bench.run(worker);
  assertEquals(await bench.jobs.uniqueHolder("q", "k"), "b");
});

Deno.test("an id that has to be unique is refused as long as a job is stored under it, and as RQ stores no key", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const fields = { x_unique_how: "id" };
  assertEquals((await bench.add("a", { fields })).status, "queued");
  await bench.run(worker);
  let error: unknown;
  await bench.add("a", { fields }).catch((reason) => error = reason);
  assert(error instanceof DuplicateJobError);
  assertEquals([error.jobId, error.uniqueKey], ["a", undefined]);
  assert(error.message.includes("a job of this id is finished"), error.message);
  assertEquals((await bench.allKeys()).filter((key) => /uniq/.test(key)), []);
  await bench.add("a");
  await bench.jobs.delete("a");
  await bench.add("a", { fields });
});

Deno.test("keys of jobs that nobody has ended here are dropped by the sweep, others stay", async () => {
  await using bench = await Bench.open();
  for (let i = 0; i < 150; i++) {
    await bench.add(`a${i}`, { fields: { ...ERROR, x_unique: `k${i}` } });
    if (i < 120) await bench.send("DEL", `rq:job:a${i}`);
  }
  assertEquals(await bench.sweeps.cleanUnique(), 0);
  for (const name of await bench.members("rq:x_unique_keys")) {
    await bench.send("ZADD", "rq:x_unique_keys", 1, name);
  }
  assertEquals(await bench.sweeps.cleanUnique(), 120);
  const left = (await bench.allKeys()).filter((key) => /x_unique:/.test(key));
  assertEquals(left.length, 30);
  assertEquals(await bench.sweeps.cleanUnique(), 0);
  assertEquals(await bench.jobs.uniqueHolder("q", "k149"), "a149");
});

Deno.test("a key that holds another type of value, or nonsense, harms no other job", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await add(bench, "a", ERROR);
  await bench.send("DEL", KEY);
  await bench.send("LPUSH", KEY, "x");
  let refused: unknown;
  await bench.add("b", { fields: ERROR }).catch((error) => refused = error);
  assert(`${refused}`.includes("holds another type of value"), `${refused}`);
  assertEquals(await bench.run(worker), "a");
  await bench.send("DEL", KEY);
  for (const value of ["", "nonsense", "ended a", "ended nobody x y z w"]) {
    await bench.send("SET", KEY, value);
    assertEquals(await bench.jobs.uniqueHolder("q", "k"), null, value);
  }
  await bench.send("SET", "rq:x_unique_keys", "text");
  assertEquals(await add(bench, "c", ERROR), "queued");
  assertEquals(await bench.sweeps.cleanUnique(), 0);
  assertEquals(await add(bench, "d", unique("nonsense")), "held by c");
});
