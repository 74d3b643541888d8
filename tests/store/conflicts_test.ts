/** What a job of a limit with one slot does about the others of its limit: they are canceled, or it is skipped. */

import { assert, assertEquals } from "@std/assert";
import type { JobField } from "../../lib/job/fields.ts";
import type { OnConflict } from "../../lib/job/rate_limit.ts";
import type { RedisArg } from "../../lib/redis/redis_client.ts";
import { JobStore } from "../../lib/store/job_store.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import type { Execution } from "../../lib/store/worker_types.ts";
import { type AddOptions, Bench, echoing, endOne, newJob } from "./support.ts";
import { random } from "../support/random.ts";

/** A job of a limit with one slot. */
function alone(
  onConflict: OnConflict = "queue",
  fields: Partial<Record<JobField, RedisArg>> = {},
): AddOptions {
  const limit = { rate_limit_key: "k", rate_limit_concurrency: 1 };
  const how = onConflict === "queue" ? {} : { x_on_conflict: onConflict };
  return { fields: { ...limit, ...how, ...fields } };
}

async function statuses(
  bench: Bench,
  ids: readonly string[],
): Promise<(string | null)[]> {
  return await Promise.all(ids.map((id) => bench.status(id)));
}

async function addAll(
  bench: Bench,
  ids: readonly string[],
  options: AddOptions,
): Promise<void> {
  for (const id of ids) await bench.add(id, options);
}

/** Messages on a worker's channel while something is done. */
async function heard(
  bench: Bench,
  worker: string,
  act: () => Promise<unknown>,
): Promise<string[]> {
  const messages: string[] = [];
  const channel = bench.keys.channel(worker);
  await using _subscription = await bench.client.subscribe(
    channel,
    (message) => void messages.push(message),
  );
  await act();
  // published before the reply, so it is here once a later message is
  await bench.send("PUBLISH", channel, "end");
  while (messages.at(-1) !== "end") await new Promise((f) => setTimeout(f, 5));
  return messages.slice(0, -1);
}

Deno.test("skip: a job is not enqueued while another one is queued, runs or waits; the call gives that one", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  assertEquals((await bench.add("a", alone("skip"))).existing, undefined);
  assertEquals((await bench.add("b", alone("skip"))).existing, "a");
  assertEquals(await bench.status("b"), null);
  const execution = await bench.claim(worker);
  assertEquals((await bench.add("b", alone("skip"))).existing, "a");
  await bench.end(worker, execution);
  assertEquals((await bench.add("b", alone("skip"))).existing, undefined);
  assertEquals(await bench.queued(), ["b"]);
});

Deno.test("skip: neither its dependencies nor a job that it would replace is touched", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("b");
  await bench.run(worker);
  await bench.add("a", alone());
  const before = await bench.dump();
  assertEquals((await bench.add("b", alone("skip"))).existing, "a");
  assertEquals(await bench.dump(), before);
});

Deno.test("skip: a slot that nobody has freed is no conflict", async () => {
  await using bench = await Bench.open();
  await bench.add("a", alone());
  await bench.send("DEL", "rq:job:a");
  assertEquals((await bench.add("b", alone("skip"))).existing, undefined);
  assertEquals(await bench.queued(), ["a", "b"]);
  await bench.send("DEL", "rq:job:b");
  await bench.add("c", alone("cancelRunning"));
  assertEquals(await bench.queued(), ["a", "b", "c"]);
});

Deno.test("skip: of many in one call, the first one is enqueued", async () => {
  await using bench = await Bench.open();
  const outcomes = await bench.jobs.enqueueMany(
    ["a", "b", "c"].map((id) =>
      newJob(id, { isIdNew: true, ...alone("skip") })
    ),
  );
  const existing = outcomes.map((outcome) =>
    outcome.status === "fulfilled" && outcome.value.existing
  );
  assertEquals(existing, [undefined, "a", "a"]);
});

Deno.test("keepLatest: of those that wait only the newest stays, and what runs goes on", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", alone("keepLatest"));
  const execution = await bench.claim(worker);
  await addAll(bench, ["b", "c", "d"], alone("keepLatest"));
  assertEquals(await statuses(bench, ["a", "b", "c", "d"]), [
    ...["started", "canceled", "canceled", "rate_limited"],
  ]);
  assertEquals(await bench.members("rq:canceled:q"), ["b", "c"]);
  await bench.end(worker, execution);
  assertEquals(await bench.queued(), ["d"]);
  assertEquals(await bench.field("d", "x_on_conflict"), null);
});

Deno.test("cancelRunning: what runs is canceled as by job.cancel(), killed by its worker, and the new one is next", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", alone());
  const execution = await bench.claim(worker);
  await addAll(bench, ["b", "c"], alone());
  const messages = await heard(
    bench,
    worker.name,
    () => bench.add("d", alone("cancelRunning")),
  );
  assertEquals(messages.map((text) => JSON.parse(text)), [
    { command: "stop-job", job_id: "a" },
  ]);
  assertEquals(await statuses(bench, ["a", "b", "c"]), [
    ...["canceled", "canceled", "canceled"],
  ]);
  assertEquals(await bench.queued(), ["d"]);
  assertEquals(await bench.end(worker, execution), "lost");
  assertEquals(await bench.members("rq:rl:k:allowed"), ["d"]);
});

Deno.test("hooks and waiters hear of what is canceled for another job", async () => {
  await using bench = await Bench.open();
  await bench.add("a", alone());
  await bench.add("b", alone("keepLatest"));
  await bench.jobs.await("b");
  await bench.add("c", alone("keepLatest"));
  const ends = `${await bench.send("XRANGE", bench.keys.ends, "-", "+")}`;
  assert(ends.includes("job_id,b,how,canceled"), ends);
});

Deno.test("a scheduled job does nothing about others until it is due, and then right after it has come to wait", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const later = { due: "+600" };
  await bench.add("skips", { ...alone("skip"), ...later });
  await bench.add("keeps", { ...alone("keepLatest"), ...later });
  await bench.add("a", alone());
  const execution = await bench.claim(worker);
  await bench.add("b", alone());
  const makeDue = (id: string) => bench.send("ZADD", "rq:scheduled:q", 1, id);
  await makeDue("skips");
  await bench.sweeps.promoteScheduled("q");
  await bench.sweeps.lookAtLimits("q");
  assertEquals(await bench.status("skips"), "canceled");
  assertEquals(await bench.status("b"), "rate_limited");
  await makeDue("keeps");
  await bench.sweeps.promoteScheduled("q");
  await bench.sweeps.lookAtLimits("q");
  assertEquals(await statuses(bench, ["a", "b", "keeps"]), [
    ...["started", "canceled", "rate_limited"],
  ]);
  await bench.end(worker, execution);
  assertEquals(await bench.queued(), ["keeps"]);
});

Deno.test("a job that waited for another one cancels what runs then, by a look or a sweep", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker("w1", ["parents"]);
  await bench.add("p", { queue: "parents" });
  const child = { ...alone("cancelRunning"), dependsOn: ["p"] };
  await bench.add("c", child);
  await addAll(bench, ["a", "b"], alone());
  await bench.run(worker);
  assertEquals(await bench.status("c"), "rate_limited");
  await bench.sweeps.cleanLimits();
  assertEquals(await statuses(bench, ["a", "b", "c"]), [
    ...["canceled", "canceled", "queued"],
  ]);
});

Deno.test("a slot that is free when the job is due is just taken", async () => {
  await using bench = await Bench.open();
  await bench.add("a", { ...alone("skip"), due: "+600" });
  await bench.send("ZADD", "rq:scheduled:q", 1, "a");
  await bench.sweeps.promoteScheduled("q");
  await bench.sweeps.lookAtLimits("q");
  assertEquals(await bench.queued(), ["a"]);
  assertEquals(await bench.field("a", "x_on_conflict"), null);
});

Deno.test("a job that is tried again or requeued waits for its turn, whatever it did when it was enqueued", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", alone("cancelRunning"));
  await bench.run(worker, { outcome: "failed" });
  await bench.add("b", alone());
  await bench.jobs.requeue("a", false);
  await bench.sweeps.lookAtLimits("q");
  await bench.sweeps.cleanLimits();
  assertEquals(await statuses(bench, ["a", "b"]), ["rate_limited", "queued"]);
});

Deno.test("very many that wait are canceled in bounded calls", async () => {
  await using bench = await Bench.open();
  const many = Array.from({ length: 130 }, (_, i) => `j${i}`);
  await bench.jobs.enqueueMany(many.map((id) => newJob(id, alone())));
  await bench.add("last", alone("cancelRunning"));
  assertEquals((await bench.members("rq:canceled:q")).length, 50);
  await bench.sweeps.lookAtLimits("q");
  assertEquals((await bench.members("rq:canceled:q")).length, 130);
  assertEquals(await bench.queued(), ["last"]);
});

Deno.test("a job that cannot be canceled, since a key holds another type of value, stays", async () => {
  await using bench = await Bench.open();
  await bench.add("a", { ...alone(), queue: "bad" });
  await bench.send("SET", "rq:canceled:bad", "text");
  await bench.add("b", alone("cancelRunning"));
  assertEquals(await statuses(bench, ["a", "b"]), ["queued", "rate_limited"]);
});

const HOW: readonly OnConflict[] = [
  "queue",
  "skip",
  "keepLatest",
  "cancelRunning",
];

Deno.test.each([[1], [2], [3]])(
  "whatever jobs do about one another, each call sent twice, one has the slot, and none waits without a reason (%i)",
  async (seed) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    const twice = echoing(bench.client, () => {});
    const jobs = new JobStore(twice, bench.keys);
    const workers = new WorkerStore(twice, bench.keys);
    const pick = random(seed);
    let running: Execution | null = null;
    const end = async (outcome: "finished" | "failed" | "requeued") => {
      const ending = { outcome, ttl: 500, payload: "", workedMs: 5 };
      if (running) await endOne(workers, worker, running, ending);
      running = null;
    };
    for (let step = 0; step < 120; step++) {
      const id = `j${step}`;
      const options = alone(HOW[pick(4)]!, { retries_left: pick(2) });
      switch (pick(8)) {
        case 0:
        case 1:
        case 2:
          await jobs.enqueue(newJob(id, options));
          break;
        case 3:
          await jobs.enqueue(newJob(id, { ...options, due: "+600" }));
          await bench.send("ZADD", "rq:scheduled:q", "XX", 1, id);
          await bench.sweeps.promoteScheduled("q");
          await bench.sweeps.lookAtLimits("q");
          break;
        case 4:
        case 5: {
          if (running) break;
          const { executions } = await workers.claim(worker, { jobs: 1 });
          running = executions[0] ?? null;
          break;
        }
        case 6:
          await end("finished");
          break;
        default:
          await end(pick(2) === 0 ? "failed" : "requeued");
      }
      const allowed = await bench.members("rq:rl:k:allowed");
      const waiting = await bench.members("rq:rl:k:rate_limited");
      assert(allowed.length <= 1, `step ${step}: ${allowed}`);
      if (allowed.length === 0) assertEquals(waiting, [], `step ${step}`);
      const status = allowed[0] && await bench.status(allowed[0]);
      assert(
        /^(queued|started)?$/.test(status ?? ""),
        `step ${step}: ${status}`,
      );
      for (const some of waiting) {
        assertEquals(await bench.status(some), "rate_limited", `step ${step}`);
        assertEquals(await bench.field(some, "x_on_conflict"), null);
      }
    }
    assert((await bench.members("rq:canceled:q")).length > 3);
  },
);
