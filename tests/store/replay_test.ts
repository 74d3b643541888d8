/** A call whose reply was lost is sent again: the second time it changes nothing and answers the same. */

import { assertEquals } from "@std/assert";
import type { RedisClient } from "../../lib/redis/redis_client.ts";
import { JobStore } from "../../lib/store/job_store.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import type {
  Execution,
  WorkerIdentity,
} from "../../lib/store/worker_types.ts";
import { SweepStore } from "../../lib/store/sweep_store.ts";
import { RETRY_ENDINGS, type RetryEnding } from "./retry_endings.ts";
import { MORE_REPORTS, MORE_SCENES } from "./more_scenes.ts";
import {
  Bench,
  echoing,
  type Ending,
  endOne,
  masked,
  newJob,
  sweepAll,
} from "./support.ts";

/** A bench, and stores that send everything twice. */
export interface Twice {
  readonly bench: Bench;
  readonly worker: WorkerIdentity;
  readonly jobs: JobStore;
  readonly workers: WorkerStore;
  readonly sweeps: SweepStore;
}

const ENDING = { ttl: 500, payload: "", workedMs: 5 };

async function started(bench: Bench, worker: WorkerIdentity, id = "a") {
  await bench.add(id);
  return await bench.claim(worker);
}

async function failed(
  { bench, worker }: Twice,
  id = "a",
): Promise<Execution> {
  const execution = await started(bench, worker, id);
  await bench.end(worker, execution, { outcome: "failed" });
  return execution;
}

/** What happens before, and gives the call that is sent twice. */
export type Scene = (twice: Twice) => Promise<() => Promise<unknown>>;

function ending(
  outcome: Ending["outcome"],
  options: RetryEnding & { ttl?: number } = {},
): Scene {
  return async ({ bench, worker, workers }) => {
    await bench.add("a", { fields: options.fields ?? {} });
    for (const c of ["c1", "c2"]) {
      await bench.add(c, {
        dependsOn: ["a"],
        fields: { allow_dependency_failures: 1 },
      });
    }
    const execution = await bench.claim(worker);
    const { ttl = 500, fields: _, ...others } = options;
    const end = { ...ENDING, outcome, ttl, ...others };
    return () => endOne(workers, worker, execution, end);
  };
}

const SCENES: [string, Scene][] = [
  [
    "enqueue: queued",
    ({ jobs }) => Promise.resolve(() => jobs.enqueue(newJob("a"))),
  ],
  ["enqueue: at the front", async ({ bench, jobs }) => {
    await bench.add("b");
    return () => jobs.enqueue(newJob("a", { atFront: true, ttl: 300 }));
  }],
  ["enqueue: deferred", async ({ bench, jobs }) => {
    await bench.add("p");
    return () => jobs.enqueue(newJob("a", { dependsOn: ["p"] }));
  }],
  ["enqueue: many, some of them taken", async ({ bench, worker, jobs }) => {
    await bench.add("over");
    await bench.run(worker);
    await bench.add("b");
    const ids = ["a", "b", "c", "a", "over", "d"];
    return () => jobs.enqueueMany(ids.map((id) => newJob(id)));
  }],
  ["enqueue: many, all of them new", ({ jobs }) => {
    const ids = ["a", "b", "c"];
    return Promise.resolve(() => jobs.enqueueMany(ids.map((id) => newJob(id))));
  }],
  ["enqueue: many, their ids made up", ({ jobs }) => {
    const many = ["a", "b", "c"].map((id) => newJob(id, { isIdNew: true }));
    return Promise.resolve(() => jobs.enqueueMany(many));
  }],
  ["enqueue: over one that has ended", async ({ bench, worker, jobs }) => {
    await bench.add("a");
    await bench.run(worker);
    return () => jobs.enqueue(newJob("a"));
  }],
  ["enqueue: duplicate", async ({ bench, jobs }) => {
    await bench.add("a");
    return () => jobs.enqueue(newJob("a")).catch((error) => error.message);
  }],
  ["cancel: queued", async ({ bench, jobs }) => {
    await bench.add("a");
    await bench.add("b");
    return () => jobs.cancel("a");
  }],
  ["cancel: started", async ({ bench, worker, jobs }) => {
    await started(bench, worker);
    return () => jobs.cancel("a");
  }],
  ["cancel: deferred", async ({ bench, jobs }) => {
    await bench.add("p");
    await bench.add("a", { dependsOn: ["p"] });
    return () => jobs.cancel("a");
  }],
  ["cancel: canceled already", async ({ bench, jobs }) => {
    await bench.add("a");
    await bench.jobs.cancel("a");
    return () => jobs.cancel("a");
  }],
  ["cancel: gone", ({ jobs }) => Promise.resolve(() => jobs.cancel("a"))],
  ["requeue", async (twice) => {
    await failed(twice);
    await twice.bench.add("b");
    return () => twice.jobs.requeue("a", false);
  }],
  ["requeue: at the front", async (twice) => {
    await failed(twice);
    await twice.bench.add("b");
    return () => twice.jobs.requeue("a", true);
  }],
  ["requeue: not failed", async ({ bench, jobs }) => {
    await bench.add("a");
    return () => jobs.requeue("a", false);
  }],
  [
    "requeue: gone",
    ({ jobs }) => Promise.resolve(() => jobs.requeue("a", false)),
  ],
  ["state", async (twice) => {
    await failed(twice);
    return () => twice.jobs.state("a");
  }],
  ["claim: empty", ({ worker, workers }) => {
    return Promise.resolve(() => workers.claim(worker, { jobs: 2 }));
  }],
  ["claim: unregistered", async ({ bench, workers }) => {
    await bench.add("a");
    const nobody = { name: "nobody", instance: "x", queues: ["q"] };
    return () => workers.claim(nobody, { jobs: 2 });
  }],
  ["claim: suspended", async ({ bench, worker, workers }) => {
    await bench.add("a");
    await bench.send("SET", "rq:suspended", "1");
    return () => workers.claim(worker, { jobs: 2 });
  }],
  ["heartbeat", async ({ bench, worker, workers }) => {
    const execution = await started(bench, worker);
    return () => workers.heartbeat(worker, 480, [execution]);
  }],
  ["heartbeat: lease lost", async ({ bench, worker, workers }) => {
    const execution = await started(bench, worker);
    await bench.takeAway(execution);
    return () => workers.heartbeat(worker, 480, [execution]);
  }],
  ["heartbeat: replaced", async ({ bench, worker, workers }) => {
    const execution = await started(bench, worker);
    const other = { ...worker, instance: "other" };
    return () => workers.heartbeat(other, 480, [execution]);
  }],
  ["finish: finished", ending("finished")],
  ["finish: finished, nobody waits for it", async (twice) => {
    const { bench, worker, workers } = twice;
    const execution = await started(bench, worker);
    const plain = {
      ...ENDING,
      outcome: "finished",
      hadHeartbeat: false,
    } as const;
    return () => endOne(workers, worker, execution, plain);
  }],
  ["finish: finished, kept for ever", ending("finished", { ttl: -1 })],
  ["finish: finished, not kept", ending("finished", { ttl: 0 })],
  ["finish: repeated", ending("finished", { fields: { repeats_left: 2 } })],
  [
    "finish: repeated later",
    ending("finished", {
      fields: { repeats_left: 2, repeat_intervals: "[600, 5]" },
    }),
  ],
  [
    "finish: repeated, not kept",
    ending("finished", { ttl: 0, fields: { repeats_left: 2 } }),
  ],
  ["finish: failed", ending("failed")],
  ["finish: failed, not kept", ending("failed", { ttl: 0 })],
  ...Object.entries(RETRY_ENDINGS).map(([what, options]): [string, Scene] => [
    `finish: ${what}`,
    ending("failed", options),
  ]),
  ["finish: retried", ending("failed", { fields: { retries_left: 2 } })],
  [
    "finish: scheduled",
    ending("failed", {
      fields: { retries_left: 2, retry_intervals: "[600]" },
    }),
  ],
  ["finish: stopped", ending("stopped")],
  ["finish: requeued", ending("requeued")],
  ["finish: released", ending("released", { ttl: -1 })],
  ["finish: lost", async ({ bench, worker, workers }) => {
    const execution = await started(bench, worker);
    await bench.takeAway(execution);
    return () =>
      endOne(workers, worker, execution, { ...ENDING, outcome: "finished" });
  }],
  ["finish: gone", async ({ bench, worker, workers }) => {
    const execution = await started(bench, worker);
    await bench.send("DEL", "rq:job:a");
    return () =>
      endOne(workers, worker, execution, { ...ENDING, outcome: "finished" });
  }],
  ["finish: after the worker's hash has expired", async (twice) => {
    const { bench, worker, workers } = twice;
    const execution = await started(bench, worker);
    await bench.send("DEL", "rq:worker:w1");
    return () =>
      endOne(workers, worker, execution, { ...ENDING, outcome: "finished" });
  }],
  ["record", async ({ bench, worker, workers }) => {
    const execution = await started(bench, worker);
    return () => workers.record(execution, { meta: "{}", x_progress: "0.5" });
  }],
  ["sweep: nothing to do", ({ sweeps }) => {
    return Promise.resolve(() => sweepAll(sweeps, "q"));
  }],
  ["promote scheduled: none due", async ({ bench, sweeps }) => {
    await bench.send("ZADD", "rq:scheduled:q", 9_999_999_999, "a");
    return () => sweeps.promoteScheduled("q");
  }],
  ["register", ({ workers }) => {
    const worker = { name: "w2", instance: "i", queues: ["q", "r"] };
    return Promise.resolve(() => workers.register(worker, 480, { pid: 5 }));
  }],
  ["register: taken", ({ worker, workers }) => {
    const other = { ...worker, instance: "other" };
    return Promise.resolve(() => workers.register(other, 480, { pid: 5 }));
  }],
  ["register: over one that has left", async ({ bench, worker, workers }) => {
    await bench.workers.deregister(worker);
    const other = { ...worker, instance: "other" };
    return () => workers.register(other, 480, { pid: 5 });
  }],
  ["deregister", ({ worker, workers }) => {
    return Promise.resolve(() => workers.deregister(worker));
  }],
  ["set fields", async ({ bench, jobs }) => {
    await bench.add("a");
    return () => jobs.setFields("a", new Map([["description", "words"]]));
  }],
  ["set fields of a job that is gone", ({ jobs }) => {
    const fields = new Map([["description", "words"] as const]);
    return Promise.resolve(() => jobs.setFields("a", fields));
  }],
  ["set worker fields", ({ worker, workers }) => {
    return Promise.resolve(() =>
      workers.setWorkerFields(worker, { state: "suspended" })
    );
  }],
];

/** The second answer may be another one here; it is what they leave that counts. */
const REPORTS: [string, Scene][] = [
  ["claim: caught ones", async ({ bench, worker, workers }) => {
    for (const id of ["a", "b", "c"]) await bench.add(id);
    for (const _ of ["a", "b"]) {
      await bench.send(
        "LMOVE",
        "rq:queue:q",
        "rq:queue:q:intermediate",
        "LEFT",
        "LEFT",
      );
    }
    const caught = ["a", "b"].map((jobId) => ({ queue: "q", jobId }));
    return () => workers.claim(worker, { jobs: 2, popped: caught });
  }],
  ["claim", async ({ bench, worker, workers }) => {
    await bench.add("a");
    await bench.add("b");
    return () => workers.claim(worker, { jobs: 2 });
  }],
  ["claim, and a result that is stored as a dump", async (twice) => {
    const { bench, worker, workers } = twice;
    await bench.add("a");
    const { executions: [execution] } = await workers.claim(worker, {
      jobs: 1,
    });
    const ending = { ...ENDING, outcome: "finished", ttl: 500 } as const;
    return () => endOne(workers, worker, execution!, ending);
  }],
  ["delete", async (twice) => {
    await failed(twice);
    return () => twice.jobs.delete("a");
  }],
  ["give back", async ({ bench, workers }) => {
    await bench.send("RPUSH", "rq:queue:q:intermediate", "a");
    return () => workers.giveBack({ queue: "q", jobId: "a" });
  }],
  ["sweep: expired lease", async ({ bench, worker, sweeps }) => {
    await bench.expire(await started(bench, worker));
    return () => sweepAll(sweeps, "q");
  }],
  ["sweep: deferred ones to be queued", async ({ bench, sweeps }) => {
    await bench.add("p");
    await bench.add("a", { dependsOn: ["p"] });
    await bench.send("DEL", "rq:job:p");
    return () => sweepAll(sweeps, "q");
  }],
  ["promote scheduled", async ({ bench, sweeps }) => {
    await bench.add("a");
    await bench.send("DEL", "rq:queue:q");
    await bench.send("HSET", "rq:job:a", "status", "scheduled");
    await bench.send("ZADD", "rq:scheduled:q", 1, "a");
    return () => sweeps.promoteScheduled("q");
  }],
  ["drop dead workers", async ({ bench, sweeps }) => {
    await bench.send("SADD", "rq:workers", "rq:worker:dead");
    return () => sweeps.dropDeadWorkers(["q"]);
  }],
];

/** Gives what the caller gets, the second of both replies; asserts that the second sending changed nothing. */
async function replay(scene: Scene): Promise<unknown> {
  await using bench = await Bench.open();
  let after: Record<string, string> = {};
  const client = echoing(bench.client, async (_, time) => {
    if (time === 1) after = await bench.dump();
  });
  const answer = await play(scene, bench, client);
  assertEquals(await bench.dump(), after);
  return answer;
}

async function play(
  scene: Scene,
  bench: Bench,
  client: RedisClient,
): Promise<unknown> {
  const worker = await bench.worker();
  const jobs = new JobStore(client, bench.keys);
  const workers = new WorkerStore(client, bench.keys);
  const sweeps = new SweepStore(client, bench.keys);
  const call = await scene({ bench, worker, jobs, workers, sweeps });
  return await call();
}

/** An answer as text, without what no two calls have in common: times, ids, and from where an error was thrown. */
function shown(answer: unknown): string {
  return masked(Deno.inspect(answer, { depth: 9 }))
    .replaceAll(/^\s+at .+$/gm, "")
    .replaceAll(/\b[12][0-9a-f]{15}\b/g, "<execution>");
}

Deno.test.each([...SCENES, ...MORE_SCENES])(
  "%s, sent twice, changes nothing and answers the same",
  async (_name, scene) => {
    const answer = await replay(scene);
    await using bench = await Bench.open();
    const once = await play(scene, bench, bench.client);
    assertEquals(shown(answer), shown(once));
  },
);

Deno.test.each([...REPORTS, ...MORE_REPORTS])(
  "%s, sent twice, changes nothing",
  async (_name, scene) => {
    await replay(scene);
  },
);
