/** Middleware around enqueueing. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  DuplicateJobError,
  type EnqueueMiddleware,
  Queue,
  type QueueOptions,
} from "@deno-rq/rq";
import { capture } from "@deno-rq/rq/testing";

/** A queue that never connects. */
function queueWith(...middleware: EnqueueMiddleware[]): Queue {
  return new Queue("q", { connection: "redis://127.0.0.1:1", middleware });
}

Deno.test("middleware gets the calls, the first one outermost, and may change them", async () => {
  const seen: unknown[] = [];
  const mark = (name: string): EnqueueMiddleware => async (calls, next) => {
    seen.push(`${name} ${calls.map(({ func }) => func)}`);
    const jobs = await next(
      calls.map((call) => ({ ...call, meta: { ...call.meta, [name]: 1 } })),
    );
    seen.push(`${name} ${jobs.map(({ funcName }) => funcName)}`);
    return jobs;
  };
  await using queue = queueWith(mark("a"), mark("b"));
  using captured = capture(queue);
  const one = await queue.enqueue("jobs.one", 1);
  const many = await queue.enqueueMany([
    { func: "jobs.two" },
    { func: "jobs.three", meta: { own: 1 } },
  ]);
  await queue.enqueueIn("1h", "jobs.four");
  await queue.enqueueAt(new Date(0), "jobs.five");
  assertEquals(one.meta, { a: 1, b: 1 });
  assertEquals(many.map(({ meta }) => meta), [
    { a: 1, b: 1 },
    { own: 1, a: 1, b: 1 },
  ]);
  assertEquals(captured.jobs.length, 5);
  assertEquals(
    seen,
    ["jobs.one", "jobs.two,jobs.three", "jobs.four", "jobs.five"]
      .flatMap((names) =>
        ["a", "b", "b", "a"].map((name) => `${name} ${names}`)
      ),
  );
});

Deno.test("middleware sees why a call is refused, and may keep it from being enqueued", async () => {
  const seen: string[] = [];
  const watch: EnqueueMiddleware = async (calls, next) => {
    try {
      return await next(calls);
    } catch (error) {
      seen.push((error as Error).name);
      throw error;
    }
  };
  await using queue = queueWith(watch);
  using captured = capture(queue);
  const call = { func: "jobs.one", jobId: "A" } as const;
  await queue.enqueueCall(call);
  await assertRejects(() => queue.enqueueCall(call), DuplicateJobError);
  await assertRejects(() => queue.enqueueMany([call]), AggregateError);
  assertEquals(seen, ["DuplicateJobError", "AggregateError"]);
  await using closed = queueWith(() => {
    throw new Error("not today");
  });
  await assertRejects(() => closed.enqueue("jobs.one"), Error, "not today");
  assertEquals(captured.jobs.length, 1);
});

Deno.test("middleware that gives no jobs is refused, and so is what is none", async () => {
  const drops: EnqueueMiddleware = async (calls, next) => {
    await next(calls);
    return [];
  };
  await using queue = queueWith(drops);
  using _captured = capture(queue);
  await assertRejects(
    () => queue.enqueue("jobs.one"),
    TypeError,
    "middleware drops gave 0",
  );
  for (const middleware of ["./tracing.ts", ["./tracing.ts"], [1]]) {
    const options = { middleware } as unknown as QueueOptions;
    assertThrows(() => new Queue("q", options), TypeError, "list of functions");
  }
});
