import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import {
  InvalidJobOperationError,
  JobFailedError,
  NoSuchJobError,
} from "../../lib/base/errors.ts";
import { dependency } from "../../lib/job/dependency.ts";
import type { Job } from "../../lib/queue/job.ts";
import { blocked, Desk, zlibOf } from "./support.ts";

/** Rejects if a promise takes too long, so that a wait that never ends fails its test instead of hanging it. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`Not settled within ${ms} ms`)),
    ms,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

Deno.test("wait() gives the result that is there already", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  await desk.finish(`{"a":[1,"é"]}`);
  assertEquals(await job.wait(), { a: [1, "é"] });
});

Deno.test("wait() is woken by the result, at once", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  const waiting = job.wait({ timeout: 10 });
  await blocked(desk);
  const begin = performance.now();
  await desk.finish("42");
  assertEquals(await waiting, 42);
  assert(performance.now() - begin < 2_000);
});

Deno.test("wait() for a job that fails throws, with the job's own error as cause", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  const waiting = assertRejects(() => job.wait(), JobFailedError);
  await blocked(desk);
  await desk.fail("TypeError: bad luck\n    at f (a.ts:1:1)");
  const error = await waiting;
  assertEquals([error.name, error.jobId, error.message], [
    "JobFailedError",
    job.id,
    `Job "${job.id}" failed: TypeError: bad luck`,
  ]);
  assertEquals(error.excInfo, "TypeError: bad luck\n    at f (a.ts:1:1)");
  assertInstanceOf(error.cause, Error);
  assertEquals([error.cause.name, error.cause.message], [
    "TypeError",
    "bad luck",
  ]);
  await assertRejects(() => job.wait(), JobFailedError, "bad luck");
});

Deno.test("wait() for a job that is stopped throws", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  await desk.fail("Job stopped by user", { outcome: "stopped" });
  await assertRejects(() => job.wait(), JobFailedError, "Job stopped by user");
});

Deno.test("wait() for a job that is retried goes on until it has ended", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  await desk.bench.send("HSET", `rq:job:${job.id}`, "retries_left", 1);
  const waiting = job.wait();
  await blocked(desk);
  await desk.fail();
  assertEquals(await job.getStatus(), "queued");
  await desk.finish("7");
  assertEquals(await waiting, 7);
});

Deno.test("wait() for an execution that RQ marked as retried goes on", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  const waiting = job.wait();
  await blocked(desk);
  await desk.bench.send("XADD", `rq:results:${job.id}`, "*", "type", 4);
  await desk.finish("7");
  assertEquals(await waiting, 7);
});

Deno.test("wait() after requeue() ignores the old failure", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  await desk.fail();
  await assertRejects(() => job.wait(), JobFailedError);
  await job.requeue();
  const waiting = job.wait({ timeout: 10 });
  await blocked(desk);
  await desk.finish(`"second"`);
  assertEquals(await waiting, "second");
});

Deno.test.each([[0], [0.05], ["1s"]])(
  "wait() gives up after %j and leaves the job alone",
  async (timeout) => {
    await using desk = await Desk.open();
    const job = await desk.queue.enqueue("f.g");
    const error = await assertRejects(
      () => job.wait({ timeout }),
      DOMException,
    );
    assertEquals(error.name, "TimeoutError");
    assertEquals(await job.getStatus(), "queued");
    await desk.finish("1");
    assertEquals(await job.wait({ timeout: 5 }), 1);
  },
);

Deno.test.each([[NaN], [-1], [-Infinity], ["soon"], ["-1"], [1e12]])(
  "wait() refuses the timeout %j",
  async (timeout) => {
    await using desk = await Desk.open();
    const job = await desk.queue.enqueue("f.g");
    await assertRejects(() => job.wait({ timeout }), RangeError);
  },
);

Deno.test("wait() with an endless timeout leaves no timer", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  await desk.finish("1");
  for (const timeout of [Infinity, 2 ** 31 / 1_000, "36500d"]) {
    assertEquals(await job.wait({ timeout }), 1);
  }
});

Deno.test("wait() ends with the reason of its signal", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  const controller = new AbortController();
  const waiting = job.wait({ signal: controller.signal });
  await blocked(desk);
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals(await assertRejects(() => waiting), reason);
  const aborted = AbortSignal.abort(reason);
  assertEquals(
    await assertRejects(() => job.wait({ signal: aborted })),
    reason,
  );
});

Deno.test.each<[string, { timeout?: number; signal?: true }]>([
  ["its timeout", { timeout: 0.3 }],
  ["its signal", { signal: true }],
])(
  "wait() keeps to %s also while Redis does not answer",
  async (_name, options) => {
    await using desk = await Desk.open();
    const job = await desk.queue.enqueue("f.g");
    desk.bench.server.pause();
    try {
      const signal = options.signal ? { signal: AbortSignal.timeout(300) } : {};
      const timeout = options.timeout ? { timeout: options.timeout } : {};
      const waiting = job.wait({ ...timeout, ...signal });
      const error = await within(5_000, assertRejects(() => waiting));
      assertEquals((error as Error).name, "TimeoutError");
    } finally {
      desk.bench.server.resume();
    }
  },
);

Deno.test("wait() for a canceled job throws", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  await job.cancel();
  await assertRejects(() => job.wait(), InvalidJobOperationError, "canceled");
});

Deno.test("wait() for a deleted job throws", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  await job.delete();
  await assertRejects(() => job.wait(), NoSuchJobError);
});

Deno.test("wait() notices that the job is canceled, deleted or keeps no result", async () => {
  await using desk = await Desk.open();
  const jobs = await desk.queue.enqueueMany(Array(3).fill({ func: "f.g" }));
  const waits = Promise.allSettled(jobs.map((job) => job.wait()));
  await blocked(desk);
  await desk.finish("1", { ttl: 0 });
  await jobs[1]!.cancel();
  await jobs[2]!.delete();
  const outcomes = await within(15_000, waits);
  assertEquals(
    outcomes.map((outcome) =>
      outcome.status === "rejected" ? outcome.reason.name : outcome.value
    ),
    ["NoSuchJobError", "InvalidJobOperationError", "NoSuchJobError"],
  );
});

Deno.test("wait() notices a cancellation also while other results keep coming", async () => {
  await using desk = await Desk.open();
  const canceled = await desk.queue.enqueue("f.canceled");
  const jobs = await desk.queue.enqueueMany(Array(40).fill({ func: "f.g" }));
  const others = Promise.all(jobs.map((job) => job.wait()));
  let noticed = "";
  const waiting = canceled.wait().catch((error) => noticed = error.name);
  await blocked(desk);
  await canceled.cancel();
  for (let i = 0; i < 40; i++) {
    await desk.finish();
    if (i < 34 && !noticed) await new Promise((r) => setTimeout(r, 300));
  }
  const inTime = noticed;
  await others;
  await desk.queue.close();
  await waiting;
  assertEquals(inTime, "InvalidJobOperationError");
});

Deno.test("wait() ends for a job that failed without an entry in its results, as under RQ 1.13", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  await desk.bench.send(
    "HSET",
    `rq:job:${job.id}`,
    "status",
    "failed",
    "exc_info",
    zlibOf("Moved to FailedJobRegistry, due to AbandonedJobError"),
  );
  const waiting = job.wait({ timeout: 3 });
  await assertRejects(() => waiting, JobFailedError, "AbandonedJobError");
});

Deno.test("wait() notices that the job has failed without an entry in its results", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  const waiting = job.wait({ timeout: 12 });
  await blocked(desk);
  await desk.bench.send("HSET", `rq:job:${job.id}`, "status", "failed");
  await assertRejects(() => waiting, JobFailedError);
});

Deno.test.each<[string, string, (desk: Desk, parent: Job) => Promise<unknown>]>(
  [
    ["has failed", "has failed", (desk) => desk.fail()],
    [
      "was stopped",
      "was stopped",
      (desk) => desk.fail("E: no", { outcome: "stopped" }),
    ],
    ["was canceled", "was canceled", (_desk, parent) => parent.cancel()],
    ["was deleted", "is gone", (_desk, parent) => parent.delete()],
    [
      "was canceled by Python",
      "was canceled",
      (desk, { id }) =>
        desk.bench.send("HSET", `rq:job:${id}`, "status", "canceled"),
    ],
  ],
)(
  "wait() for a child whose parent %s says so, before and after",
  async (_name, how, act) => {
    await using desk = await Desk.open();
    const parent = await desk.queue.enqueue("f.g");
    const child = await desk.queue.enqueueCall({
      func: "f.g",
      dependsOn: parent,
    });
    const waiting = assertRejects(() => child.wait(), InvalidJobOperationError);
    await blocked(desk);
    await act(desk, parent);
    const { message } = await within(20_000, waiting);
    assertEquals(
      message,
      `Cannot wait for job "${child.id}": job "${parent.id}", on which it depends, ${how}, so it stays deferred`,
    );
    await assertRejects(() => child.wait(), InvalidJobOperationError, how);
  },
);

Deno.test("wait() for a child that allows failure goes on when its parent fails", async () => {
  await using desk = await Desk.open();
  const parent = await desk.queue.enqueue("f.g");
  const child = await desk.queue.enqueueCall({
    func: "f.g",
    dependsOn: dependency(parent, { allowFailure: true }),
  });
  const waiting = child.wait();
  await blocked(desk);
  await desk.fail();
  await desk.finish("3");
  assertEquals(await waiting, 3);
});

Deno.test("wait() for a child of which one parent is gone goes on while another may finish", async () => {
  await using desk = await Desk.open();
  const [gone, other] = await desk.queue.enqueueMany([
    { func: "f.g" },
    { func: "f.g" },
  ]);
  const child = await desk.queue.enqueueCall({
    func: "f.g",
    dependsOn: [gone!, other!],
  });
  await gone!.delete();
  const waiting = child.wait();
  await blocked(desk);
  await desk.finish("1");
  await desk.finish("3");
  assertEquals(await waiting, 3);
});

Deno.test("wait() for a job that is made anew under its id goes on with that", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueueCall({ func: "f.g", jobId: "a" });
  const waiting = job.wait();
  await blocked(desk);
  await desk.bench.send("DEL", "rq:job:a", "rq:queue:q");
  await desk.queue.enqueueCall({ func: "f.g", jobId: "a" });
  await desk.finish("4");
  assertEquals(await waiting, 4);
});

Deno.test("wait() says that a result is not kept", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("f.g");
  const waiting = assertRejects(() => job.wait(), NoSuchJobError);
  await blocked(desk);
  await desk.finish("1", { ttl: 0 });
  assertEquals(
    (await within(20_000, waiting)).message,
    `No such job "${job.id}": it has finished, and its result is not kept`,
  );
});

Deno.test("wait() says that a result is not kept also while the job is still there for its children", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueueCall({ func: "f.g", resultTtl: 0 });
  await desk.bench.send("HSET", `rq:job:${job.id}`, "status", "finished");
  await assertRejects(() => job.wait(), NoSuchJobError, "is not kept");
});

Deno.test.each<[string, string, (desk: Desk, key: string) => Promise<unknown>]>(
  [
    ["deletes", "NoSuchJobError", (desk, key) => desk.bench.send("DEL", key)],
    [
      "cancels",
      "InvalidJobOperationError",
      (desk, key) => desk.bench.send("HSET", key, "status", "canceled"),
    ],
  ],
)(
  "wait() notices that another program %s the job",
  async (_name, error, act) => {
    await using desk = await Desk.open();
    const job = await desk.queue.enqueue("f.g");
    const waiting = assertRejects(() => job.wait());
    await blocked(desk);
    await act(desk, `rq:job:${job.id}`);
    assertEquals((await within(20_000, waiting) as Error).name, error);
  },
);
