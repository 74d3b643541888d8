/** Rate limits: who has a slot, who gets the next one, and that none is lost. */

import { assert, assertEquals } from "@std/assert";
import type { JobField } from "../../lib/job/fields.ts";
import type { RedisArg } from "../../lib/redis/redis_client.ts";
import { texts } from "../../lib/store/replies.ts";
import type {
  Execution,
  WorkerIdentity,
} from "../../lib/store/worker_types.ts";
import { type AddOptions, Bench, newJob, sweepAll } from "./support.ts";
import { random } from "../support/random.ts";

const ALLOWED = "rq:rl:k:allowed";
const WAITING = "rq:rl:k:rate_limited";

function limited(
  concurrency = 1,
  fields: Partial<Record<JobField, RedisArg>> = {},
): AddOptions {
  return {
    fields: {
      rate_limit_key: "k",
      rate_limit_concurrency: concurrency,
      ...fields,
    },
  };
}

async function slots(bench: Bench): Promise<[string[], string[]]> {
  const [allowed, waiting] = await Promise.all([
    bench.send("ZRANGE", ALLOWED, 0, -1),
    bench.send("ZRANGE", WAITING, 0, -1),
  ]);
  return [texts(allowed), texts(waiting)];
}

Deno.test("a limited job is written as RQ writes it, and waits while no slot is free", async () => {
  await using bench = await Bench.open();
  assertEquals((await bench.add("a", limited())).status, "queued");
  assertEquals((await bench.add("b", limited())).status, "rate_limited");
  assertEquals(await slots(bench), [["a"], ["b"]]);
  assertEquals(await bench.send("SMEMBERS", "rq:rl-keys"), ["k"]);
  assertEquals(await bench.send("HGETALL", "rq:rl:k"), ["concurrency", "1"]);
  assertEquals(await bench.status("b"), "rate_limited");
  assertEquals(await bench.send("LRANGE", "rq:queue:q", 0, -1), ["a"]);
});

Deno.test("jobs of one call wait in their order, whatever their ids", async () => {
  await using bench = await Bench.open();
  const ids = ["e", "b", "d", "a", "c"];
  await bench.jobs.enqueueMany(
    ids.map((id) => newJob(id, { isIdNew: true, ...limited() })),
  );
  assertEquals(await slots(bench), [["e"], ["b", "d", "a", "c"]]);
});

Deno.test("the end of a job queues the next one in the same script, on its own queue and side", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", limited());
  await bench.add("b", { ...limited(), queue: "other", atFront: true });
  await bench.add("c", { queue: "other" });
  await bench.run(worker);
  assertEquals(await slots(bench), [["b"], []]);
  assertEquals(await bench.send("LRANGE", "rq:queue:other", 0, -1), ["b", "c"]);
});

Deno.test("slots that become free together go to the next ones in their order, each on its own queue and side", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["a", "b", "c"]) await bench.add(id, limited(3));
  const { executions } = await bench.workers.claim(worker, { jobs: 3 });
  await bench.add("d", { ...limited(3), queue: "other", atFront: true });
  await bench.add("e", limited(3));
  await bench.add("f", { ...limited(3), queue: "other", atFront: true });
  await bench.add("g", limited(3));
  await bench.add("x", { queue: "other" });
  const ends = executions.map((execution) => ({
    execution,
    outcome: "finished" as const,
    ttl: 500,
    payload: "MQ==",
    workedMs: 1,
    hadHeartbeat: false,
  }));
  const sent = (await Promise.all(bench.workers.end(worker, ends, "idle")))
    .concat(await Promise.all(bench.workers.end(worker, ends, "idle")));
  assertEquals(sent, Array(6).fill("finished"));
  assertEquals(await slots(bench), [["d", "e", "f"], ["g"]]);
  assertEquals(await bench.queued("other"), ["f", "d", "x"]);
  assertEquals(await bench.queued(), ["e"]);
});

Deno.test("a higher concurrency lets those that wait go on with the next job", async () => {
  await using bench = await Bench.open();
  for (const id of ["a", "b", "c"]) await bench.add(id, limited());
  await bench.add("d", limited(3));
  assertEquals(await slots(bench), [["a", "b", "c"], ["d"]]);
});

Deno.test("a job whose queue's key holds another type waits on, and those behind it go on", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", limited());
  await bench.add("b", { ...limited(), queue: "bad" });
  await bench.add("c", limited());
  await bench.send("SET", "rq:queue:bad", "text");
  await bench.run(worker);
  assertEquals(await slots(bench), [["c"], ["b"]]);
  await bench.send("DEL", "rq:queue:bad");
  await bench.run(worker);
  assertEquals(await slots(bench), [["b"], []]);
});

Deno.test("a limit whose keys hold another type refuses new jobs and fails no script", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", limited());
  await bench.send("SET", WAITING, "text");
  let refused: unknown;
  await bench.add("b", limited()).catch((error) => refused = error);
  assert(`${refused}`.includes("holds another type of value"), `${refused}`);
  assertEquals(await bench.status("b"), null);
  await bench.run(worker);
  assertEquals(await bench.status("a"), "finished");
  assertEquals(await bench.members(ALLOWED), []);
  assertEquals(await bench.sweeps.cleanLimits(), 0);
  await bench.send("SET", "rq:rl-keys", "text");
  assertEquals(await bench.sweeps.cleanLimits(), 0);
});

Deno.test("a job that RQ canceled while it ran keeps its slot until its worker records the end", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", limited());
  await bench.add("b", limited());
  const execution = await bench.claim(worker);
  await bench.workers.heartbeat(worker, 480, [execution]);
  await bench.send("HSET", "rq:job:a", "status", "canceled");
  assertEquals(await bench.sweeps.cleanLimits(), 0);
  assertEquals(await slots(bench), [["a"], ["b"]]);
  await bench.end(worker, execution, { outcome: "finished" });
  assertEquals(await slots(bench), [["b"], []]);
});

Deno.test("the sweep frees slots of jobs that have expired, and deletes limits that are not used", async () => {
  await using bench = await Bench.open();
  await bench.add("a", limited());
  await bench.add("b", limited());
  await bench.send("DEL", "rq:job:a");
  assertEquals(await bench.sweeps.cleanLimits(), 1);
  assertEquals(await slots(bench), [["b"], []]);
  await bench.send("DEL", "rq:job:b");
  assertEquals(await bench.sweeps.cleanLimits(), 1);
  assertEquals(
    (await bench.allKeys()).filter((key) => key.startsWith("rq:rl")),
    [],
  );
});

Deno.test("the sweep looks at all slots of a limit in bounded calls", async () => {
  await using bench = await Bench.open();
  const members = Array.from({ length: 250 }, (_, i) => [i, `gone${i}`]).flat();
  await bench.send("SADD", "rq:rl-keys", "k");
  await bench.send("HSET", "rq:rl:k", "concurrency", 251);
  await bench.send("ZADD", ALLOWED, ...members);
  await bench.add("a", limited(251));
  assertEquals(await bench.sweeps.cleanLimits(), 250);
  assertEquals(await slots(bench), [["a"], []]);
});

Deno.test("very many limited jobs that are due are queued in bounded calls, in the order of their time", async () => {
  await using bench = await Bench.open();
  const ids = Array.from({ length: 150 }, (_, i) => `j${i}`);
  await bench.jobs.enqueueMany(
    ids.map((id) => newJob(id, { ...limited(100), due: "+600" })),
  );
  const due = ids.flatMap((id, i) => [i + 1, id]);
  await bench.send("ZADD", "rq:scheduled:q", ...due);
  await bench.sweeps.promoteScheduled("q");
  assertEquals(await bench.queued(), ids.slice(0, 100));
  assertEquals((await slots(bench))[1], ids.slice(100));
});

/** What has a slot: the jobs that are queued or started. */
async function holders(bench: Bench, ids: readonly string[]) {
  const statuses = await Promise.all(ids.map((id) => bench.status(id)));
  return ids.filter((_, i) =>
    statuses[i] === "queued" || statuses[i] === "started"
  ).sort();
}

Deno.test.each([[1], [2], [3], [4]])(
  "whatever happens to jobs, slots are those of queued and running ones, and none stays free while others wait (%i)",
  async (seed) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    const pick = random(seed);
    const ids: string[] = [];
    let running: Execution[] = [];
    for (let step = 0; step < 250; step++) {
      running = await act(bench, worker, { pick, ids, running, step });
      const [allowed, waiting] = await slots(bench);
      const which = `step ${step}`;
      assertEquals(allowed.toSorted(), await holders(bench, ids), which);
      assert(allowed.length <= 3, which);
      assert(allowed.length === 3 || waiting.length === 0, which);
    }
    while (await bench.send("ZCARD", ALLOWED) !== 0) {
      running.push(...await claimAll(bench, worker));
      for (const execution of running.splice(0)) {
        await bench.end(worker, execution, { outcome: "finished" });
      }
      await bench.send("DEL", "rq:scheduled:q");
    }
    assertEquals(await slots(bench), [[], []]);
  },
);

interface Play {
  readonly pick: (below: number) => number;
  readonly ids: string[];
  readonly running: Execution[];
  readonly step: number;
}

async function claimAll(
  bench: Bench,
  worker: WorkerIdentity,
): Promise<readonly Execution[]> {
  return (await bench.workers.claim(worker, { jobs: 2 })).executions;
}

/** Does one thing; gives the executions that run afterwards. */
async function act(
  bench: Bench,
  worker: WorkerIdentity,
  { pick, ids, running, step }: Play,
): Promise<Execution[]> {
  const some = ids[pick(Math.max(ids.length, 1))] ?? "none";
  const end = async (
    outcome: "finished" | "failed" | "stopped" | "requeued" | "released",
    ttl = 500,
  ) => {
    const [execution] = running.splice(pick(Math.max(running.length, 1)), 1);
    if (execution !== undefined) {
      const hadHeartbeat = pick(2) === 0; // those that had none go to FINISH
      await bench.end(worker, execution, { outcome, ttl, hadHeartbeat });
    }
  };
  switch (pick(18)) {
    case 0:
    case 1:
    case 2: {
      const retries = pick(3);
      const retry = retries === 0 ? {} : {
        retries_left: 1,
        retry_intervals: retries === 1 ? "[0]" : "[600]",
      };
      ids.push(`j${step}`);
      await bench.add(`j${step}`, limited(3, retry));
      break;
    }
    case 3:
    case 4:
      running.push(...await claimAll(bench, worker));
      break;
    case 5:
      await end("finished", pick(2) * 500);
      break;
    case 6:
    case 7:
      await end("failed");
      break;
    case 8:
      await end("stopped");
      break;
    case 9:
      await end(pick(2) === 0 ? "requeued" : "released", -1);
      break;
    case 10:
      await bench.jobs.cancel(some);
      break;
    case 11:
      await bench.jobs.delete(some);
      break;
    case 12:
      await bench.jobs.requeue(some, pick(2) === 0);
      break;
    case 13:
    case 14:
    case 15:
      await end("finished");
      break;
    case 16:
      ids.push(`j${step}`);
      await bench.add(`j${step}`, limited(3));
      break;
    default: {
      // whoever runs now has died
      for (const execution of running) await bench.expire(execution);
      await sweepAll(bench.sweeps, "q");
      for (const id of await bench.members("rq:scheduled:q")) {
        await bench.send("ZADD", "rq:scheduled:q", 1, id);
      }
      await bench.sweeps.promoteScheduled("q");
      return [];
    }
  }
  return running;
}
