/** Queues that run their jobs at once. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { runFlags } from "../support/deno_flags.ts";
import { JobFailedError, Queue } from "@deno-rq/rq/testing";
import {
  calls,
  named,
  refuse,
  send,
  sendAll,
  told,
  waits,
} from "./jobs/mail.ts";

Deno.test("isAsync false runs a job before the call that enqueues it resolves", async () => {
  await using queue = new Queue("low", { isAsync: false });
  const job = await queue.enqueue(send, "a@b.c");
  assertEquals(await job.getStatus(), "finished");
  assertEquals([await job.result(), await job.wait()], [
    "hello a@b.c",
    "hello a@b.c",
  ]);
  assertEquals(job.startedAt! <= job.endedAt!, true);
  assertEquals([await queue.count(), job.isNew], [0, true]);
  assertEquals((await queue.fetchJob(job.id))?.args, ["a@b.c"]);
});

Deno.test("arguments arrive as JSON, named ones last", async () => {
  await using queue = new Queue("low", { isAsync: false });
  const job = await queue.enqueueCall({
    func: named,
    args: ["a"],
    kwargs: { copies: 2 },
  });
  assertEquals(await job.wait(), "2 to a");
  const many = await queue.enqueueMany([
    { func: send, args: ["a", undefined] },
    { func: "tests.testing.jobs.mail.Mailer.send", args: ["b"] },
    { func: new URL("./jobs/mail.ts#send", import.meta.url), args: ["c"] },
  ]);
  assertEquals(await Promise.all(many.map((job) => job.wait())), [
    "hello a",
    "me to b",
    "hello c",
  ]);
});

Deno.test("a job that throws has failed, and the call does not throw", async () => {
  await using queue = new Queue("low", { isAsync: false });
  calls.length = 0;
  const job = await queue.enqueueCall({
    func: refuse,
    args: ["x"],
    jobId: "A",
    retry: 3,
    onFailure: told,
  });
  assertEquals(await job.getStatus(), "failed");
  await assertRejects(() => job.wait(), JobFailedError, "no such address x");
  assertEquals(calls, ["refuse x", "A failed"]);
  const missing = await queue.enqueue("tests.testing.jobs.mail.nothing");
  await assertRejects(
    () => missing.wait(),
    JobFailedError,
    "Cannot find export",
  );
});

Deno.test("follow-up jobs run, too, and jobs for later wait", async () => {
  await using queue = new Queue("low", { isAsync: false });
  calls.length = 0;
  assertEquals(await (await queue.enqueue(sendAll, ["a", "b"])).wait(), 2);
  assertEquals(calls, ["send a", "send b"]);
  const later = await queue.enqueueIn("1h", send, "c");
  assertEquals([await later.getStatus(), calls.length], ["scheduled", 2]);
});

Deno.test("a job whose time is up is told so, and has failed", async () => {
  await using queue = new Queue("low", { isAsync: false });
  const job = await queue.enqueueCall({ func: waits, timeout: 1 });
  await assertRejects(() => job.wait(), JobFailedError, "maximum timeout");
});

Deno.test("without the module for tests, isAsync false says what to import", async () => {
  const code = `import { Queue } from ${
    JSON.stringify(new URL("../../mod.ts", import.meta.url).href)
  }; new Queue("low", { isAsync: false });`;
  const { code: status, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", ...runFlags(), code],
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals(status, 1);
  const text = new TextDecoder().decode(stderr);
  assertEquals(text.includes('import "@deno-rq/rq/testing"'), true, text);
  const isAsync = "no" as unknown as boolean;
  assertThrows(() => new Queue("low", { isAsync }), TypeError, "isAsync");
});
