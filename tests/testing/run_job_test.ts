/** Running one function as a job. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { currentJob } from "@deno-rq/rq/current";
import { runJob } from "@deno-rq/rq/testing";
import {
  Mailer,
  MailError,
  named,
  refuse,
  send,
  sendAll,
  slowId,
  waits,
} from "./jobs/mail.ts";

Deno.test("runJob() gives what the job has returned and done", async () => {
  const run = await runJob(sendAll, [["a", "b"]]);
  assertEquals(run.result, 2);
  assertEquals(run.meta, { sent: 2 });
  assertEquals(run.progress, { value: 1, note: "b" });
  assertEquals(run.enqueued.map(({ funcName, args }) => [funcName, args]), [
    ["tests.testing.jobs.mail.send", ["a"]],
    ["tests.testing.jobs.mail.send", ["b"]],
  ]);
});

Deno.test("a job sees itself as the options say", async () => {
  const see = (): unknown => ({
    id: currentJob.id,
    attempt: currentJob.attempt,
    meta: currentJob.meta,
    queue: currentJob.queue,
  });
  const options = { jobId: "A", attempt: 2, meta: { by: "me" }, queue: "low" };
  const { jobId: id, ...others } = options;
  assertEquals((await runJob(see, [], options)).result, { id, ...others });
  assertThrows(() => currentJob.id, Error, "no job is running");
});

Deno.test("arguments and results are JSON; named arguments come last", async () => {
  const kwargs = { copies: 2 };
  assertEquals(
    (await runJob(named, ["a"], { kwargs })).result,
    "2 to a",
  );
  const date = (when: string) => ({ when, at: new Date(when) });
  const { result } = await runJob(date, ["1970-01-01T00:00:00.000Z"]);
  assertEquals(result.at, result.when);
  assertEquals((await runJob(Mailer.send, ["a"])).result, "me to a");
  assertEquals(
    (await runJob("tests.testing.jobs.mail.send", ["a"])).result,
    "hello a",
  );
  const big = (value: bigint) => value + 1n;
  const args = [2n ** 60n + 1n] as never;
  await assertRejects(() => runJob(big, args), TypeError, "BigInt");
  const { result: sum } = await runJob(big, args, { bigInts: true });
  assertEquals(sum, 2n ** 60n + 2n);
});

Deno.test("it throws what the job throws", async () => {
  await assertRejects(
    () => runJob(refuse, ["x"]),
    MailError,
    "no such address",
  );
  const map = (): unknown => new Map();
  await assertRejects(() => runJob(map), Error, "result: Map");
  await assertRejects(
    () => runJob(send, ["a"], { name: 1 } as never),
    TypeError,
  );
  const error = await assertRejects(() => runJob(waits, [], { timeout: 1 }));
  assertEquals((error as Error).name, "TimeoutError");
});

Deno.test("jobs that run side by side do not see each other", async () => {
  const ids = ["A", "B", "C"];
  const runs = await Promise.all(
    ids.map((jobId) => runJob(slowId, [], { jobId })),
  );
  assertEquals(runs.map(({ result }) => result), ["A A", "B B", "C C"]);
});

Deno.test("steps are done, sleeps take no time, and signals are those of the options", async () => {
  const job = async () => {
    const one = await currentJob.step("one", () => new Date(0));
    await currentJob.sleep("1d");
    return [one, await currentJob.waitFor("go")];
  };
  const { result } = await runJob(job, [], { signals: { go: { by: "me" } } });
  assertEquals(result, ["1970-01-01T00:00:00.000Z", { by: "me" }]);
  await assertRejects(() => runJob(job), Error, `the signal "go"`);
  const brief = () => currentJob.waitFor("go", { timeout: 60 });
  await assertRejects(() => runJob(brief), DOMException, "in time");
});

Deno.test("runJob() gives what a generator has yielded, and what it returns", async () => {
  const job = async function* (count: number) {
    for (let i = 0; i < count; i++) yield await Promise.resolve({ i });
    return count;
  };
  const { parts, result } = await runJob(job, [2]);
  const count: number = result;
  assertEquals([parts, count], [[{ i: 0 }, { i: 1 }], 2]);
});
