/** `job()`: functions that know how they are enqueued. */

import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { fileURLToPath } from "node:url";
import { job } from "../../lib/queue/job_function.ts";
import type { Job } from "../../lib/queue/job.ts";
import { encodeResult } from "../../lib/job/result_codec.ts";
import type { JobFunctionOptions } from "../../mod.ts";
import { runFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitForEqual } from "../support/wait_for.ts";
import { plain, send } from "./fixtures/project/jobs/made.ts";
import { arrow } from "./fixtures/project/jobs/mail.ts";
import { Desk } from "./support.ts";

/** What of a job its options decide. */
async function facts(desk: Desk, { id }: Job): Promise<unknown> {
  const names = ["origin", "status", "timeout", "retries_left"];
  const record = await desk.bench.jobs.fetch(id);
  return names.map((name) => record?.text(name as "origin"));
}

Deno.test("a function that is made a job is the same function, and still called", () => {
  const function_ = (n: number) => n + 1;
  assertEquals(job(function_) as unknown, function_);
  assertEquals(send("a"), "a x 1");
  assertEquals(Object.keys(send), []);
});

Deno.test("queue.enqueue() takes the options of a function, but the queue", async () => {
  await using desk = await Desk.open({ defaultTimeout: 7 });
  const sent = await desk.queue.enqueue(send, "a");
  assertEquals(await facts(desk, sent), ["q", "scheduled", "30", "3"]);
  assertEquals([sent.funcName, sent.args], ["jobs.made.send", ["a"]]);
  const other = await desk.queue.enqueueCall({
    func: send,
    args: ["a"],
    at: new Date(0),
    retry: 1,
  });
  assertEquals(await facts(desk, other), ["q", "queued", "30", "1"]);
  const [many] = await desk.queue.enqueueMany([{ func: plain, args: [1] }]);
  assertEquals(await facts(desk, many), ["q", "queued", "7", undefined]);
});

Deno.test("the methods of a function enqueue it on its queue, with its options and those of with()", async () => {
  await using desk = await Desk.open();
  const made = job(arrow, { queue: desk.queue, timeout: 5, retry: 2 });
  const at = new Date(Date.now() + 3_600_000);
  const jobs: [Job, unknown[]][] = [
    [await made.enqueue(1), ["q", "queued", "5", "2"]],
    [await made.enqueueIn("1h", 1), ["q", "scheduled", "5", "2"]],
    [await made.enqueueAt(at, 1), ["q", "scheduled", "5", "2"]],
    [
      await made.with({ in: "1h", timeout: 6 }).enqueue(1),
      ["q", "scheduled", "6", "2"],
    ],
    [
      await made.with({ in: "1h", timeout: 6 }).with({ retry: 9 })
        .enqueueAt(new Date(0), 1),
      ["q", "queued", "6", "9"],
    ],
  ];
  for (const [job, expected] of jobs) {
    assertEquals(await facts(desk, job), expected);
    assertEquals([job.funcName, job.args], ["jobs.mail.arrow", [1]]);
  }
  await assertRejects(
    () => made.with({ tiemout: 1 } as object).enqueue(1),
    TypeError,
    'no option "tiemout"',
  );
});

Deno.test.each<[string, JobFunctionOptions, RegExp]>([
  ["an unknown option", { tiemout: 5 } as object, /did you mean "timeout"/],
  ["an invalid option", { timeout: 0 }, /timeout/],
  ["an empty queue name", { queue: "" }, /queue name/],
  ["a queue that is none", { queue: 5 as unknown as string }, /queue/],
])("job() refuses %s", (_name, options, words) => {
  const { message } = assertThrows(() => job(() => undefined, options), Error);
  assertMatch(message, words);
});

Deno.test("job() refuses a function that is a job already, and what is none", () => {
  const once = job(() => undefined);
  assertThrows(() => job(once), TypeError, "a job: it is one already");
  assertThrows(() => job("a.b" as never), TypeError, "a job of string");
});

/** Runs the program; returns what it printed, once it has ended. */
async function program(url: string, ...args: string[]): Promise<string> {
  const path = new URL("./fixtures/made_program.ts", import.meta.url);
  const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...runFlags(), fileURLToPath(path), ...args],
    env: { NO_COLOR: "1", REDIS_URL: url },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("a program that enqueues on a queue of the environment's Redis ends without closing anything", async () => {
  await using server = await RedisServer.start();
  assertEquals(await program(server.url), "mail queued\n");
});

Deno.test("such a program can also wait for a result", async () => {
  await using desk = await Desk.open();
  const { url } = desk.bench.server;
  const printed = program(url, "wait");
  await waitForEqual(() => desk.bench.jobs.count("default"), 1);
  const worker = await desk.bench.worker("w2", ["default"]);
  const execution = await desk.bench.claim(worker);
  await desk.bench.end(worker, execution, { payload: encodeResult("2") });
  assertEquals(await printed, "mail queued\n2\n");
});
