/** Jobs whose last worker died: they may be the reason, and are run with nothing beside them. */

import { assertEquals } from "@std/assert";
import { isSuspect, JobRecord } from "../../lib/job/record.ts";
import type {
  ClaimReply,
  Execution,
  SuspectMode,
  WorkerIdentity,
} from "../../lib/store/worker_types.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import { Bench } from "./support.ts";

/** The ids of what is claimed by a worker that has several jobs at once. */
class Hands {
  readonly bench: Bench;
  readonly worker: WorkerIdentity;
  readonly store: WorkerStore;
  executions: readonly Execution[] = [];

  constructor(bench: Bench, worker: WorkerIdentity) {
    this.bench = bench;
    this.worker = worker;
    this.store = new WorkerStore(bench.client, bench.keys);
  }

  static async of(bench: Bench, name = "w1"): Promise<Hands> {
    return new Hands(bench, await bench.worker(name));
  }

  async claim(
    wanted: number,
    mode: SuspectMode,
    ahead = 0,
  ): Promise<[ClaimReply["kind"], ...string[]]> {
    const { kind, executions } = await this.store.claim(
      this.worker,
      wanted,
      [],
      ahead,
      mode,
    );
    this.executions = executions;
    return [kind, ...executions.map(({ job }) => job.id)];
  }

  /** All that it has claimed last is lost, as if it were killed. */
  async die(): Promise<void> {
    for (const execution of this.executions) await this.bench.expire(execution);
    await this.bench.sweep();
  }
}

async function losses(bench: Bench, id: string): Promise<string | undefined> {
  return (await bench.field(id, "x_abandoned"))?.split(" ")[0];
}

/** Jobs of which the named ones have lost a worker that had several in hand. */
async function withSuspects(bench: Bench, ids: string[], suspects: string[]) {
  const others = ids.filter((id) => !suspects.includes(id));
  for (const id of [...suspects, ...others]) await bench.add(id);
  const hands = await Hands.of(bench);
  if (suspects.length > 0) {
    await hands.claim(suspects.length, "alone");
    await hands.die();
  }
  await bench.send("DEL", "rq:queue:q");
  await bench.send("RPUSH", "rq:queue:q", ...ids);
  return hands;
}

Deno.test("a loss is charged to nobody where several were in hand, and to a suspect that ran alone", async () => {
  await using bench = await Bench.open();
  const hands = await withSuspects(bench, ["a", "b"], ["a", "b"]);
  assertEquals([await losses(bench, "a"), await losses(bench, "b")], [
    "0",
    "0",
  ]);
  for (let loss = 1; loss <= 3; loss++) {
    assertEquals(await hands.claim(5, "alone", 5), ["jobs", "a"]);
    await hands.die();
    assertEquals(await losses(bench, "a"), String(loss));
    assertEquals(await bench.status("a"), "queued");
  }
  assertEquals(await hands.claim(5, "alone"), ["jobs", "a"]);
  await hands.die();
  assertEquals(await bench.status("a"), "failed");
  assertEquals(await losses(bench, "b"), "0");
  assertEquals(await hands.claim(5, "alone"), ["jobs", "b"]);
  await bench.end(hands.worker, hands.executions[0]!);
  assertEquals(await bench.status("b"), "finished");
});

Deno.test("an innocent is never charged, however often its neighbour kills the worker", async () => {
  await using bench = await Bench.open();
  const hands = await Hands.of(bench);
  for (const id of ["poison", "a", "b"]) await bench.add(id);
  const finished: string[] = [];
  for (let life = 0; life < 20 && finished.length < 2; life++) {
    const [, ...ids] = await hands.claim(20, "alone");
    if (ids.includes("poison")) await hands.die();
    else {
      for (const execution of hands.executions) {
        await bench.end(hands.worker, execution);
      }
      finished.push(...ids);
    }
  }
  assertEquals(finished.toSorted(), ["a", "b"]);
  assertEquals(await bench.status("poison"), "failed");
});

Deno.test("a claim stops in front of a suspect, and a worker with free hands takes it alone", async () => {
  await using bench = await Bench.open();
  const hands = await withSuspects(bench, ["a", "s", "b"], ["s"]);
  assertEquals(await hands.claim(3, "alone", 3), ["jobs", "a"]);
  assertEquals(await bench.queued(), ["s", "b"]);
  assertEquals(await hands.claim(2, "stop"), ["suspect"]);
  assertEquals(await hands.claim(0, "stop", 2), ["suspect"]);
  assertEquals(await bench.queued(), ["s", "b"]);
  assertEquals(await hands.claim(3, "alone", 3), ["jobs", "s"]);
  assertEquals(await bench.queued(), ["b"]);
});

Deno.test("suspects can be passed over, and keep their places", async () => {
  await using bench = await Bench.open();
  const ids = ["s1", "a", "s2", "b", "c"];
  const hands = await withSuspects(bench, ids, ["s1", "s2"]);
  assertEquals(await hands.claim(2, "pass"), ["jobs", "a", "b"]);
  assertEquals(await bench.queued(), ["s1", "s2", "c"]);
  assertEquals(await hands.claim(2, "pass"), ["jobs", "c"]);
  assertEquals(await hands.claim(2, "pass"), ["suspect"]);
  assertEquals(await bench.queued(), ["s1", "s2"]);
});

Deno.test("in front of a suspect no job of a lower queue is taken, unless it is passed over", async () => {
  await using bench = await Bench.open();
  await withSuspects(bench, ["s"], ["s"]);
  await bench.add("low", { queue: "low" });
  const hands = new Hands(bench, await bench.worker("w2", ["q", "low"]));
  assertEquals(await hands.claim(2, "stop"), ["suspect"]);
  assertEquals(await hands.claim(2, "pass"), ["jobs", "low"]);
});

Deno.test("a suspect that was caught while others are in hand goes back to the head of its queue", async () => {
  await using bench = await Bench.open();
  const hands = await withSuspects(bench, ["s", "a"], ["s"]);
  await bench.send(
    "LMOVE",
    "rq:queue:q",
    "rq:queue:q:intermediate",
    "LEFT",
    "RIGHT",
  );
  const caught = [{ queue: "q", jobId: "s" }];
  const reply = await hands.store.claim(hands.worker, 2, caught, 0, "stop");
  assertEquals([reply.kind, reply.executions], ["suspect", []]);
  assertEquals(await bench.queued(), ["s", "a"]);
  assertEquals(
    await bench.members("rq:queue:q:intermediate").catch(() => []),
    [],
  );
});

async function isSuspectNow(bench: Bench, id: string): Promise<boolean> {
  const record = await bench.jobs.fetch(id);
  return record instanceof JobRecord && isSuspect(record);
}

Deno.test("what was lost is forgotten when anybody puts the job on its queue anew", async () => {
  await using bench = await Bench.open();
  const hands = await withSuspects(bench, ["s"], ["s"]);
  assertEquals(await isSuspectNow(bench, "s"), true);
  // As RQ does it: it knows nothing of our fields.
  const later = "2031-01-01T00:00:00.000000Z";
  await bench.send(
    "HSET",
    "rq:job:s",
    "status",
    "queued",
    "enqueued_at",
    later,
  );
  assertEquals(await isSuspectNow(bench, "s"), false);
  await bench.add("a");
  assertEquals(await hands.claim(2, "alone"), ["jobs", "s", "a"]);
  await hands.die();
  assertEquals(await losses(bench, "s"), "0");
});

Deno.test("a job that failed as abandoned and is requeued has all of its chances again", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  for (let loss = 1; loss <= 4; loss++) {
    await bench.expire(await bench.claim(worker));
    await bench.sweep();
  }
  assertEquals(await bench.status("a"), "failed");
  assertEquals(await bench.field("a", "x_abandoned"), null);
  await bench.jobs.requeue("a", false);
  await bench.expire(await bench.claim(worker));
  await bench.sweep();
  assertEquals([await bench.status("a"), await losses(bench, "a")], [
    "queued",
    "1",
  ]);
});

Deno.test("a suspect that is given back, not begun, stays one", async () => {
  await using bench = await Bench.open();
  const hands = await withSuspects(bench, ["s"], ["s"]);
  await hands.claim(1, "alone");
  await bench.end(hands.worker, hands.executions[0]!, {
    ...{ outcome: "returned", payload: "", workedMs: 0, ttl: -1 },
  });
  assertEquals(await isSuspectNow(bench, "s"), true);
});
