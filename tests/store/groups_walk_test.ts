/** Whatever happens to the members of a group, in whichever order: the counts are right, and each call is made once. */

import { assert, assertEquals } from "@std/assert";
import { hasEnded, type JobStatus } from "../../lib/job/status.ts";
import { countGroup } from "../../lib/store/group_store.ts";
import type {
  Execution,
  WorkerIdentity,
} from "../../lib/store/worker_types.ts";
import { addAsPython, addTo, ALL_CALLS, called, create } from "./groups.ts";
import { Bench, sweepAll } from "./support.ts";
import { random } from "../support/random.ts";

interface Walk {
  readonly bench: Bench;
  readonly worker: WorkerIdentity;
  readonly pick: (below: number) => number;
  readonly members: Map<string, { readonly group: string; is: string }>;
  /** What each group is to have called for. */
  readonly calls: Set<string>;
  readonly running: Execution[];
}

/** Ends an execution in some way, or has its worker die. */
async function end(walk: Walk): Promise<void> {
  const { bench, worker, pick, members } = walk;
  const execution = walk.running.pop();
  if (execution === undefined) return;
  const outcome = ([
    ...["finished", "finished", "failed", "failed", "stopped"],
    ...["requeued", "released", "lost"],
  ] as const)[pick(8)]!;
  if (outcome === "lost") {
    await bench.expire(execution);
    await sweepAll(bench.sweeps, "q");
    return;
  }
  const ttl = outcome === "released" ? -1 : pick(3) * 300;
  const reply = await bench.end(worker, execution, {
    ...{ outcome: outcome as "finished", ttl },
  });
  const { id } = execution.job;
  const isOver = hasEnded(reply as JobStatus);
  if (isOver && !await bench.jobs.exists(id)) members.get(id)!.is = reply;
}

/** Has a worker of Python's end a job that is queued. */
async function endAsPython(
  { bench, pick }: Walk,
  id: string,
): Promise<void> {
  if (await bench.send("LREM", "rq:queue:q", 1, id) !== 1) return;
  const status = ["finished", "failed"][pick(2)]!;
  await bench.send("HDEL", `rq:job:${id}`, "repeats_left");
  await bench.send("HSET", `rq:job:${id}`, "status", status);
  await bench.send("ZADD", `rq:${status}:q`, 9_999_999_999, id);
}

async function add({ bench, pick, members }: Walk, id: string): Promise<void> {
  const group = pick(3) === 0 ? "inner" : "outer";
  members.set(id, { group, is: "open" });
  if (pick(4) === 0) return await addAsPython(bench, group, id);
  const again = [
    { retries_left: 1 },
    { retries_left: 1, retry_intervals: "[600]" },
    { repeats_left: 1, repeat_intervals: "[600]" },
    {},
    {},
  ][pick(5)]!;
  await addTo(bench, group, id, again);
}

/** Does one thing. */
async function act(walk: Walk, step: number): Promise<void> {
  const { bench, worker, pick, members } = walk;
  const ids = [...members.keys()];
  const some = ids[pick(ids.length || 1)] ?? "none";
  const { jobs, sweeps } = bench;
  switch (pick(16)) {
    case 0:
      await jobs.cancel(some);
      break;
    case 1:
      await jobs.delete(some);
      break;
    case 2:
    case 3:
      await jobs.requeue(some, pick(2) === 0);
      break;
    case 4:
      if (pick(4) === 0) await jobs.empty("q");
      break;
    case 5: // it expires
      if (walk.running.length === 0) await bench.send("DEL", `rq:job:${some}`);
      break;
    case 6:
      for (const id of await bench.members("rq:scheduled:q")) {
        await bench.send("ZADD", "rq:scheduled:q", 1, id);
      }
      await sweeps.promoteScheduled("q");
      break;
    case 7:
      await endAsPython(walk, some);
      break;
    case 8:
      await sweeps.cleanGroups();
      break;
    case 9:
    case 10:
    case 11: {
      const { executions } = await bench.workers.claim(worker, { jobs: 1 });
      walk.running.push(...executions);
      break;
    }
    case 12:
    case 13:
      await end(walk);
      break;
    default:
      await add(walk, `j${step}`);
  }
}

/** What each member is now: what its job says, or once that is gone, what it was last, but not open. */
async function lookAtMembers({ bench, members }: Walk): Promise<void> {
  await Promise.all([...members].map(async ([id, member]) => {
    const status = await bench.status(id);
    const repeats = Number(await bench.field(id, "repeats_left") ?? 0) > 0;
    if (status === null) member.is = member.is === "open" ? "gone" : member.is;
    else if (!hasEnded(status as JobStatus)) member.is = "open";
    else member.is = status === "finished" && repeats ? "open" : status;
  }));
}

/** Compares the counts of a group with what its members are; gives what it is itself. */
async function check(
  { bench, members, calls }: Walk,
  group: string,
  inner: readonly string[],
  step: number,
): Promise<string> {
  const all = [...members.values()].filter((member) => member.group === group)
    .map(({ is }) => is).concat(inner);
  const expected: Record<string, number> = { total: all.length, open: 0 };
  for (const name of ["finished", "failed", "stopped", "canceled", "gone"]) {
    expected[name] = 0;
  }
  for (const is of all) expected[is]!++;
  const state = await countGroup(bench.jobs, group);
  const what = `${group}, step ${step}`;
  assertEquals(state?.counts as Record<string, number>, expected, what);
  const isComplete = all.length > 0 && expected["open"] === 0;
  assertEquals(state?.endedAt !== "", isComplete, what);
  const isGood = expected["finished"] === all.length;
  if (all.some((is) => is !== "open" && is !== "finished")) {
    calls.add(`${group}-on_failure`);
  }
  if (isComplete) calls.add(`${group}-on_complete`);
  if (isComplete && isGood) calls.add(`${group}-on_success`);
  return isComplete ? isGood ? "finished" : "failed" : "open";
}

Deno.test.each([[1], [2], [3], [4], [5]])(
  "whatever happens to the members of groups, they are counted as what they are, and each call is made once (%i)",
  async (seed) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    const walk: Walk = {
      ...{ bench, worker, pick: random(seed), members: new Map() },
      ...{ calls: new Set(), running: [] },
    };
    await create(bench, "outer", { calls: ALL_CALLS });
    await create(bench, "inner", { parent: "outer", calls: ALL_CALLS });
    for (let step = 0; step < 200; step++) {
      await act(walk, step);
      // Looks at what Python has done, and at what has expired.
      for (const group of ["inner", "outer"]) {
        await countGroup(bench.jobs, group);
      }
      await lookAtMembers(walk);
      const inner = await check(walk, "inner", [], step);
      await check(walk, "outer", [inner], step);
      assertEquals(
        (await called(bench)).toSorted(),
        [...walk.calls].sort(),
        `step ${step}`,
      );
    }
    const sizes = [walk.members.size, walk.calls.size];
    assert(sizes[0]! > 15 && sizes[1]! >= 3, `${sizes}`);
  },
);
