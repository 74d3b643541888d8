/** Who has lost the lease writes nothing. */

import { assert, assertEquals } from "@std/assert";
import type {
  Execution,
  WorkerIdentity,
} from "../../lib/store/worker_types.ts";
import { addLog } from "../../lib/store/log_lines.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import { Bench, echoing } from "./support.ts";

type Loss = (
  bench: Bench,
  execution: Execution,
  worker: WorkerIdentity,
) => Promise<unknown>;

const LOSSES: [string, Loss][] = [
  ["was taken away", async (bench, execution) => {
    await bench.takeAway(execution);
    await bench.send("HDEL", "rq:job:a", "x_execution"); // as everybody does who takes a job away
  }],
  ["ran out and was swept", async (bench, execution) => {
    await bench.expire(execution);
    await bench.sweep();
  }],
  ["ran out and another worker has the job", async (bench, execution) => {
    await bench.expire(execution);
    await bench.sweep();
    await bench.claim(await bench.worker("w2"));
  }],
  ["ran out and another worker has finished the job", async (bench, ex) => {
    await bench.expire(ex);
    await bench.sweep();
    await bench.run(await bench.worker("w2"));
  }],
  ["was canceled away", (bench) => bench.jobs.cancel("a")],
  ["went with the deleted job", (bench) => bench.jobs.delete("a")],
];

const WRITES: [string, Loss][] = [
  ["finish", async (bench, execution, worker) => {
    assertEquals(await bench.end(worker, execution), "lost");
  }],
  ["fail", async (bench, execution, worker) => {
    const reply = await bench.end(worker, execution, { outcome: "failed" });
    assertEquals(reply, "lost");
  }],
  ["stop", async (bench, execution, worker) => {
    const reply = await bench.end(worker, execution, { outcome: "stopped" });
    assertEquals(reply, "lost");
  }],
  ["put back", async (bench, execution, worker) => {
    const reply = await bench.end(worker, execution, { outcome: "requeued" });
    assertEquals(reply, "lost");
  }],
  ["record", async (bench, execution) => {
    const written = await bench.workers.record(execution, { meta: `{"x":1}` });
    assertEquals(written, false);
  }],
  ["log", async (bench, execution) => {
    const lines = [["log", "text"]] as const;
    const addition = { call: 1, most: 100, dropped: 0, lines };
    assertEquals(await addLog(bench.workers, execution, addition), false);
  }],
  ["heartbeat", async (bench, execution, worker) => {
    const { lost } = await bench.workers.heartbeat(worker, 480, [execution]);
    assertEquals([...lost], [execution.id]);
  }],
];

for (const [how, lose] of LOSSES) {
  Deno.test.each(WRITES)(
    `%s writes nothing once the lease ${how}`,
    async (_name, write) => {
      await using bench = await Bench.open();
      const worker = await bench.worker();
      await bench.add("a");
      await bench.add("c", { dependsOn: ["a"] });
      const execution = await bench.claim(worker);
      await lose(bench, execution, worker);
      const before = await bench.dumpOfJobs();
      await write(bench, execution, worker);
      assertEquals(await bench.dumpOfJobs(), before);
    },
  );
}

for (const [how, lose] of LOSSES) {
  Deno.test(`a worker whose job is killed since the lease ${how} shows that it is idle`, async () => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    await bench.add("a");
    const execution = await bench.claim(worker);
    await bench.workers.heartbeat(worker, 480, [execution]);
    await lose(bench, execution, worker);
    await bench.end(worker, execution, { outcome: "stopped" });
    const shown = await bench.send(
      "HMGET",
      "rq:worker:w1",
      "state",
      "current_job",
    );
    assertEquals(shown, ["idle", null]);
    assertEquals(await bench.members("rq:worker:w1:executions"), []);
  });
}

Deno.test("a heartbeat takes what is lost out of the worker's hands", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  const execution = await bench.claim(worker);
  await bench.workers.heartbeat(worker, 480, [execution]);
  // As Python's clean-up of a job does, which knows nothing of the worker's set.
  await bench.send("DEL", "rq:job:a", "rq:execution:a:" + execution.id);
  await bench.workers.heartbeat(worker, 480, [execution]);
  assertEquals(await bench.members("rq:worker:w1:executions"), []);
});

Deno.test("an end and the next claim that are both sent again leave the worker busy", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["a", "b"]) await bench.add(id);
  const first = await bench.claim(worker);
  await bench.jobs.cancel("a");
  // Both calls are sent, and then both once more.
  const client = echoing(bench.client, () => {});
  const store = new WorkerStore(client, bench.keys);
  const ends = [{ execution: first, ...STOPPED }];
  const { ended, claimed } = store.endAndClaim(worker, ends, "idle", {
    jobs: 1,
  });
  await Promise.all(ended);
  const { executions } = await claimed;
  assertEquals(executions.map(({ job }) => job.id), ["b"]);
  const shown = await bench.send(
    "HMGET",
    "rq:worker:w1",
    "state",
    "current_job",
  );
  assertEquals(shown, ["busy", "b"]);
});

const STOPPED = {
  ...{ outcome: "stopped", ttl: 500, payload: "", workedMs: 1 } as const,
};

Deno.test("a lease that ran out and that nobody swept is still good: the job is finished, not lost", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  const execution = await bench.claim(worker);
  await bench.expire(execution);
  assertEquals(await bench.end(worker, execution), "finished");
  assertEquals(await bench.members("rq:wip:q"), []);
});

Deno.test("a heartbeat extends the leases that hold and tells those that are lost", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["a", "b", "c"]) await bench.add(id);
  const executions = [];
  for (let i = 0; i < 3; i++) executions.push(await bench.claim(worker));
  const [a, b, c] = executions as [Execution, Execution, Execution];
  await bench.takeAway(b);
  await bench.send("HDEL", "rq:job:b", "x_execution");
  await bench.send("ZADD", "rq:wip:q", "XX", 5, `c:${c.id}`);
  const reply = await bench.workers.heartbeat(worker, 480, executions);
  assertEquals([reply.worker, [...reply.lost]], ["ok", [b.id]]);
  assertEquals(await bench.members("rq:wip:q"), [`a:${a.id}`, `c:${c.id}`]);
  const [now] = await bench.send("TIME") as string[];
  const score = await bench.send("ZSCORE", "rq:wip:q", `c:${c.id}`);
  // The lease of 15 seconds, and the margin by which RQ may not be first.
  assert(Math.abs(Number(score) - Number(now) - 75) <= 1, `${score}`);
});

Deno.test("a lease that somebody's clean-up has dropped is made anew by the next heartbeat, and loses nothing before", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  const execution = await bench.claim(worker);
  await bench.takeAway(execution);
  const reply = await bench.workers.heartbeat(worker, 480, [execution]);
  assertEquals([...reply.lost], []);
  assertEquals(await bench.members("rq:wip:q"), [`a:${execution.id}`]);
  await bench.takeAway(execution);
  assertEquals(await bench.end(worker, execution), "finished");
});

Deno.test("a heartbeat writes the execution records that RQ's monitors read, with a time to live", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  const execution = await bench.claim(worker);
  await bench.workers.heartbeat(worker, 480, [execution]);
  const hash = `rq:execution:a:${execution.id}`;
  assertEquals(await bench.send("HGET", hash, "worker_name"), "w1");
  for (const key of [hash, "rq:executions:a", "rq:worker:w1:executions"]) {
    const ttl = await bench.ttl(key);
    assert(ttl > 70 && ttl <= 75, `${key}: ${ttl}`);
  }
  await bench.end(worker, execution);
  const left = await bench.allKeys();
  assertEquals(left.filter((key) => key.includes("execution")), []);
});

Deno.test("the heartbeat of a worker whose name is taken by another extends nothing", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  const execution = await bench.claim(worker);
  const other = { ...worker, instance: "other" };
  const reply = await bench.workers.heartbeat(other, 480, [execution]);
  assertEquals([reply.worker, reply.lost.size], ["replaced", 1]);
});

Deno.test("a job of a worker whose name another has taken is not lost: its lease runs out, and the sweep puts it back", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  const execution = await bench.claim(worker);
  await bench.send("DEL", "rq:worker:w1"); // as a registration of the name does
  await bench.workers.register(
    { ...worker, instance: "other" },
    480,
    { hostname: "h", pid: 8 },
  );
  const reply = await bench.workers.heartbeat(worker, 480, [execution]);
  assertEquals([reply.worker, [...reply.lost]], ["replaced", [execution.id]]);
  await bench.expire(execution);
  await bench.sweep();
  assertEquals(await bench.queued(), ["a"]);
});

Deno.test("a heartbeat after the worker's hash has expired says so, and keeps the leases", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  const execution = await bench.claim(worker);
  await bench.send("DEL", "rq:worker:w1");
  const reply = await bench.workers.heartbeat(worker, 480, [execution]);
  assertEquals([reply.worker, reply.lost.size], ["gone", 0]);
  assertEquals((await bench.allKeys()).includes("rq:worker:w1"), false);
});
