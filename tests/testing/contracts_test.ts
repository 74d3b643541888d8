/** Contracts: `job(schema, func)`. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ArgumentsError, dependency, job } from "@deno-rq/rq";
import { capture, JobFailedError, Queue, runJob } from "@deno-rq/rq/testing";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { add, at, follow, later, send } from "./jobs/contracts.ts";

Deno.test("arguments are checked when they are enqueued, however that is done", async () => {
  using captured = capture();
  await using queue = new Queue("q", { connection: "redis://127.0.0.1:1" });
  const bad = { to: "nobody", copies: 1.5 };
  const error = await assertRejects(() => send.enqueue(bad), ArgumentsError);
  assertEquals(error.issues.map(({ path }) => path), [
    "args[0].to",
    "args[0].copies",
  ]);
  assertEquals(
    error.message.startsWith("Cannot enqueue the job: args[0].to: "),
    true,
    error.message,
  );
  await assertRejects(
    () => add.enqueue(0, 1), // ArkType's
    ArgumentsError,
    "Cannot enqueue the job: args[0]: must be positive",
  );
  for (
    const attempt of [
      () => send.enqueueIn("1h", bad),
      () => send.with({ atFront: true }).enqueue(bad),
      () => queue.enqueue(send, bad),
      () => queue.enqueueCall({ func: send, kwargs: bad }),
      () => queue.enqueueMany([{ func: send, args: [bad] }]),
      () => queue.createJob({ func: send, args: [bad] }),
      () => later.enqueue("1" as never),
      () => add.enqueue(0, 1),
      () => add.enqueue(1, "2" as never),
      () => at.enqueue("today"),
    ]
  ) await assertRejects(attempt, ArgumentsError);
  assertEquals(captured.jobs, []);
});

Deno.test("what is stored is what was given, and the function gets what the schema makes of it", async () => {
  using captured = capture();
  await using queue = new Queue("q", { connection: "redis://127.0.0.1:1" });
  const sent = await send.enqueue({ to: "ann@b.org" });
  const named = await queue.enqueueCall({
    func: send,
    kwargs: { to: "eve@b.org", copies: 2 },
  });
  const jobs = [
    sent,
    named,
    await at.enqueue("1970-01-01T00:00:01Z"),
    await add.enqueue(1, 2),
    await later.enqueue(1),
  ];
  assertEquals([sent.args, sent.origin, sent.funcName], [
    [{ to: "ann@b.org" }],
    "mail",
    "tests.testing.jobs.contracts.send",
  ]);
  captured.assertEnqueued(send, [{ to: "ann@b.org" }]);
  await captured.drain();
  assertEquals(await Promise.all(jobs.map((job) => job.result())), [
    "1 to ann@b.org",
    "2 to eve@b.org",
    1000,
    3,
    2,
  ]);
  assertEquals(await send({ to: "ann@b.org" }), "1 to ann@b.org");
  await assertRejects(() => send({ to: "" }), ArgumentsError, "Cannot run");
});

Deno.test("a job that was enqueued by name fails when it runs", async () => {
  using captured = capture();
  await using queue = new Queue("q", { connection: "redis://127.0.0.1:1" });
  const job = await queue.enqueue("tests.testing.jobs.contracts.send", {});
  const error = await assertRejects(() => captured.drain(), JobFailedError);
  assertEquals((error.cause as Error).name, "ArgumentsError");
  assertEquals(
    (await job.excInfo())?.startsWith(
      "ArgumentsError: Cannot run the job: args[0].to:",
    ),
    true,
  );
});

Deno.test("results that are passed are checked when the job runs", async () => {
  using captured = capture();
  const first = await add.enqueue(1, 2);
  const dependsOn = dependency(first, { passResults: true });
  await using queue = new Queue("q", { connection: "redis://127.0.0.1:1" });
  const second = await queue.enqueueCall({ func: add, args: [1], dependsOn });
  const wrong = queue.enqueueCall({ func: add, args: [-1], dependsOn });
  await assertRejects(() => wrong, ArgumentsError, "args[0]");
  await captured.drain();
  assertEquals(await second.result(), 4);
});

Deno.test("a follow-up job is checked in the job", async () => {
  const { enqueued } = await runJob(follow, ["ann@b.org"]);
  assertEquals(enqueued.map(({ origin, args }) => [origin, args]), [
    ["mail", [{ to: "ann@b.org" }]],
  ]);
  await assertRejects(() => runJob(follow, ["nobody"]), ArgumentsError);
});

Deno.test("what is no schema is refused", () => {
  const make = job as unknown as (...args: unknown[]) => unknown;
  const one = [z.string(), { parse: () => 1 }];
  assertThrows(() => make(one, () => 1), TypeError, "schema 1 of the list");
  assertThrows(() => make({ parse: () => 1 }, () => 1), TypeError, "function");
  assertThrows(() => make(z.string(), 1), TypeError, "number");
  const options = { quue: "x" };
  assertThrows(() => make(z.string(), () => 1, options), TypeError, "queue");
});

/** Never called: the types of arguments and results are those of the schemas. */
export async function typed(): Promise<void> {
  const zod = job(z.object({ to: z.string() }), ({ to }) => to.length);
  const lengthOf: number = await (await zod.enqueue({ to: "a" })).wait();
  // @ts-expect-error the argument is an object
  await zod.enqueue("a");
  // @ts-expect-error it has no number
  await zod.enqueue({ to: lengthOf });
  // @ts-expect-error a date arrives as text
  await job(z.date(), (date) => date).enqueue(new Date());
  const list = job([v.number(), v.optional(v.string())], (a, b) => `${a}${b}`);
  const text: string = await (await list.enqueue(1, "b")).wait();
  // @ts-expect-error the first one is a number
  await list.enqueue(text, "b");
  const ark = job(type({ n: "number" }), ({ n }) => n);
  const n: number = await (await ark.enqueue({ n: 1 })).wait();
  const none = job(z.number().default(n), (m) => m);
  await none.enqueue();
}
