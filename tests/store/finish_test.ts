import { assert, assertEquals } from "@std/assert";
import { texts } from "../../lib/store/replies.ts";
import { Bench } from "./support.ts";

Deno.test("a finished job is stored as RQ stores it", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  const execution = await bench.claim(worker);
  const reply = await bench.end(worker, execution, { payload: btoa("[1]") });
  assertEquals(reply, "finished");
  const record = (await bench.jobs.fetch("a"))!;
  assertEquals([record.text("status"), record.text("worker_name")], [
    "finished",
    "w1",
  ]);
  assert(record.date("ended_at")! >= record.date("started_at")!);
  assertEquals(await bench.members("rq:finished:q"), ["a"]);
  const [entry] = await bench.send("XRANGE", "rq:results:a", "-", "+") as [
    [string, string[]],
  ];
  // Who ran it and when stands in the hash.
  assertEquals(entry[1], ["type", "1", "return_value", btoa("[1]")]);
  assertEquals((await bench.jobs.state("a")).latest?.entryId, entry[0]);
});

const RETRIES: [number, string | null, string[]][] = [
  [2, null, ["retried", "retried", "failed"]],
  [1, "[0]", ["retried", "failed"]],
  [3, "[600]", ["scheduled", "scheduled", "scheduled", "failed"]],
  [1, "[10,30,60]", ["scheduled", "failed"]],
  [1, "60", ["retried", "failed"]],
  [1, "nonsense", ["retried", "failed"]],
  [1, "[null]", ["retried", "failed"]],
  [0, "[5]", ["failed"]],
  [-1, "[5]", ["failed"]],
];

Deno.test.each(RETRIES)(
  "a job with %d retries left and intervals %s goes on as RQ's would",
  async (left, intervals, answers) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    await bench.add("a", {
      fields: {
        retries_left: left,
        ...(intervals === null ? {} : { retry_intervals: intervals }),
      },
    });
    const replies = [];
    for (let i = 0; i < answers.length; i++) {
      const execution = await bench.claim(worker);
      const reply = await bench.end(worker, execution, { outcome: "failed" });
      replies.push(reply);
      if (reply === "scheduled") {
        assertEquals(await bench.members("rq:scheduled:q"), ["a"]);
        assertEquals(await bench.status("a"), "scheduled");
        await bench.send("ZADD", "rq:scheduled:q", 5, "a");
        assertEquals((await bench.sweeps.promoteScheduled("q")).moved, 1);
      }
    }
    assertEquals(replies, answers as typeof replies);
    assertEquals(await bench.status("a"), "failed");
  },
);

Deno.test.each<[number, string, number[]]>([
  [5, "[10,30]", [10, 10, 10, 10, 30]],
  [1, "[10,30,60]", [60]],
  [3, "[1,2,3]", [1, 2, 3]],
])(
  "the waits of %d retries with intervals %s are RQ's",
  async (left, intervals, waits) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    await bench.add("a", {
      fields: { retries_left: left, retry_intervals: intervals },
    });
    for (const wait of waits) {
      await bench.run(worker, { outcome: "failed" });
      const [now] = texts(await bench.send("TIME"));
      const due = Number(await bench.send("ZSCORE", "rq:scheduled:q", "a"));
      assert(Math.abs(due - Number(now) - wait) <= 1, `${due - Number(now)}`);
      await bench.send("ZADD", "rq:scheduled:q", 5, "a");
      await bench.sweeps.promoteScheduled("q");
    }
  },
);

Deno.test("a retried job goes to the tail, or to the head where that was wanted", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", { fields: { retries_left: 1 } });
  await bench.add("b", {
    fields: { retries_left: 1, enqueue_at_front_on_retry: 1 },
  });
  await bench.add("c");
  await bench.run(worker, { outcome: "failed" });
  assertEquals(await bench.queued(), ["b", "c", "a"]);
  await bench.run(worker, { outcome: "failed" });
  assertEquals(await bench.queued(), ["b", "c", "a"]);
});

Deno.test("a job that is put back goes to the head, and counts neither as failed nor as done", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  await bench.add("b");
  const execution = await bench.claim(worker);
  assertEquals(
    await bench.end(worker, execution, { outcome: "requeued" }),
    "requeued",
  );
  assertEquals([await bench.queued(), await bench.status("a")], [
    ["a", "b"],
    "queued",
  ]);
  assertEquals(await bench.members("rq:wip:q"), []);
  assertEquals(await bench.send("EXISTS", "rq:results:a"), 0);
});

Deno.test("scheduled jobs are queued when their time has come, in the order of it, until none is left", async () => {
  await using bench = await Bench.open();
  for (let i = 0; i < 700; i++) {
    await bench.add(`job-${i}`);
    await bench.send("HSET", `rq:job:job-${i}`, "status", "scheduled");
    await bench.send("ZADD", "rq:scheduled:q", 5 + i, `job-${i}`);
  }
  await bench.send("DEL", "rq:queue:q");
  await bench.send("ZADD", "rq:scheduled:q", 9_999_999_999, "later", 1, "gone");
  assertEquals((await bench.sweeps.promoteScheduled("q")).moved, 700);
  assertEquals(
    await bench.queued(),
    Array.from({ length: 700 }, (_, i) => `job-${i}`),
  );
  assertEquals(await bench.members("rq:scheduled:q"), ["later"]);
});

Deno.test("while a Python scheduler holds the lock, it does the work", async () => {
  await using bench = await Bench.open();
  await bench.add("a");
  await bench.send("HSET", "rq:job:a", "status", "scheduled");
  await bench.send("ZADD", "rq:scheduled:q", 5, "a");
  await bench.send("SET", "rq:scheduler-lock:q", "12345", "EX", 61);
  assertEquals((await bench.sweeps.promoteScheduled("q")).moved, -1);
  assertEquals(await bench.send("GET", "rq:scheduler-lock:q"), "12345");
  await bench.send("DEL", "rq:scheduler-lock:q");
  assertEquals((await bench.sweeps.promoteScheduled("q")).moved, 1);
  // Ours needs no lock, so that a Python scheduler can begin at any time.
  assertEquals(await bench.send("EXISTS", "rq:scheduler-lock:q"), 0);
});

const FOREIGN: [string, string[]][] = [
  ["the finished registry", ["SET", "rq:finished:q", "x"]],
  ["the results", ["SET", "rq:results:a", "x"]],
  ["the dependents", ["SET", "rq:job:a:dependents", "x"]],
  ["the executions", ["SET", "rq:executions:a", "x"]],
  ["the set of queues", ["SET", "rq:queues", "x"]],
];

Deno.test.each(FOREIGN)(
  "a foreign value under %s of a job does not keep it from being finished",
  async (_name, [command, ...args]) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    await bench.add("a");
    const execution = await bench.claim(worker);
    await bench.send(command!, ...args);
    assertEquals(await bench.end(worker, execution), "finished");
    assertEquals(await bench.status("a"), "finished");
    assertEquals(await bench.members("rq:wip:q"), []);
  },
);

const QUEUE: [string, string[]] = ["the queue", ["SET", "rq:queue:q", "x"]];

Deno.test.each([...FOREIGN, QUEUE])(
  "a foreign value under %s of an abandoned job does not lose the job",
  async (_name, [command, ...args]) => {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    await bench.add("a");
    await bench.expire(await bench.claim(worker));
    await bench.send(command!, ...args);
    await bench.sweep().catch(() => undefined);
    if (args[0] === "rq:queue:q" || args[0] === "rq:queues") {
      await bench.send("DEL", args[0]);
    }
    await bench.sweep();
    assertEquals(await bench.queued(), ["a"]);
  },
);

Deno.test("a job is not lost if its queue's key holds something else when it is put back", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  const execution = await bench.claim(worker);
  await bench.send("SET", "rq:queue:q", "x");
  await bench.end(worker, execution, { outcome: "requeued" })
    .catch(() => undefined);
  await bench.send("DEL", "rq:queue:q");
  await bench.expire(execution);
  await bench.sweep();
  assertEquals(await bench.queued(), ["a"]);
});

Deno.test("a failed job is not lost if its queue's key holds something else when it is requeued", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  await bench.run(worker, { outcome: "failed" });
  await bench.send("SET", "rq:queue:q", "x");
  await bench.jobs.requeue("a", false).catch(() => undefined);
  assertEquals([await bench.status("a"), await bench.members("rq:failed:q")], [
    "failed",
    ["a"],
  ]);
});

Deno.test("a dependent whose queue cannot be written does not keep its parent from being finished", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  await bench.add("c", { queue: "bad", dependsOn: ["a"] });
  await bench.send("SET", "rq:queue:bad", "x");
  const execution = await bench.claim(worker);
  await bench.end(worker, execution).catch(() => undefined);
  const { status, latest } = await bench.jobs.state("a");
  assertEquals([status, latest?.type], ["finished", 1]);
  assertEquals(await bench.members("rq:finished:q"), ["a"]);
});
