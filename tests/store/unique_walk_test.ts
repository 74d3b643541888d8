/** Whatever happens to jobs of one key, there is never a second one. */

import { assert, assertEquals } from "@std/assert";
import type {
  Execution,
  WorkerIdentity,
} from "../../lib/store/worker_types.ts";
import { Bench, sweepAll } from "./support.ts";
import { add, KEY, unique } from "./unique_jobs.ts";
import { random } from "../support/random.ts";

const ENDED: ReadonlySet<string | null> = new Set([
  "finished",
  "failed",
  "stopped",
  "canceled",
  null,
]);

interface Walk {
  readonly bench: Bench;
  readonly worker: WorkerIdentity;
  readonly pick: (below: number) => number;
  readonly ids: string[];
  running: Execution[];
}

/** Ends an execution in some way, or has its worker die. */
async function end({ bench, worker, pick, running }: Walk): Promise<void> {
  const execution = running.pop();
  if (execution === undefined) return;
  const outcome = ([
    ...["finished", "failed", "failed", "stopped"],
    ...["requeued", "released", "lost"],
  ] as const)[pick(7)]!;
  if (outcome === "lost") {
    await bench.expire(execution);
    await sweepAll(bench.sweeps, "q");
    return;
  }
  const ttl = outcome === "released" ? -1 : pick(3) * 300;
  await bench.end(worker, execution, { outcome, ttl } as {
    outcome: "finished";
    ttl: number;
  });
}

/** Does one thing. */
async function act(walk: Walk, step: number): Promise<void> {
  const { bench, worker, pick, ids } = walk;
  const some = ids[pick(ids.length)] ?? "none";
  const { jobs, sweeps } = bench;
  switch (pick(12)) {
    case 0:
      await jobs.cancel(some);
      break;
    case 1:
      await jobs.delete(some);
      break;
    case 2:
      await jobs.requeue(some, pick(2) === 0);
      break;
    case 3:
      await jobs.empty("q");
      break;
    case 4: // it expires on its queue, or Python deletes it
      if (walk.running.length === 0) await bench.send("DEL", `rq:job:${some}`);
      break;
    case 5:
      for (const id of await bench.members("rq:scheduled:q")) {
        await bench.send("ZADD", "rq:scheduled:q", 1, id);
      }
      await sweeps.promoteScheduled("q");
      break;
    case 6:
    case 7: {
      const { executions } = await bench.workers.claim(worker, { jobs: 1 });
      walk.running.push(...executions);
      break;
    }
    case 8:
    case 9:
      await end(walk);
      break;
    default: {
      const id = `j${step}`;
      const again = [
        { retries_left: 1 },
        { retries_left: 1, retry_intervals: "[600]" },
        { repeats_left: 1, repeat_intervals: "[600]" },
        {},
      ][pick(4)]!;
      const how = ["ended error", "ended skip"][pick(2)]!;
      const due = pick(3) === 0 ? { due: "+600" } : {};
      await add(bench, id, unique(how, again), due);
      ids.push(id);
    }
  }
}

Deno.test.each([[1], [2], [3], [4], [5]])(
  "whatever happens to jobs of one key, at most one has not ended, and it holds the key (%i)",
  async (seed) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    const walk: Walk = {
      ...{ bench, worker, pick: random(seed), ids: [], running: [] },
    };
    let held = 0;
    for (let step = 0; step < 300; step++) {
      await act(walk, step);
      const statuses = await Promise.all(
        walk.ids.map((id) => bench.status(id)),
      );
      const active = walk.ids.filter((_, i) => !ENDED.has(statuses[i]!));
      assert(active.length <= 1, `step ${step}: ${active}`);
      assertEquals(
        await bench.jobs.uniqueHolder("q", "k"),
        active[0] ?? null,
        `step ${step}`,
      );
      held += active.length;
    }
    assert(held > 50 && held < 290, `${held}`);
    for (const id of walk.ids) await bench.jobs.delete(id);
    await bench.jobs.freeUnique("q", "k"); // of a job whose hash has expired
    assertEquals(await bench.send("EXISTS", KEY, "rq:x_unique_keys"), 0);
  },
);
