/** Webhooks, sent by whole workers to a real server. */

import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { webhook } from "../../mod.ts";
import { Hooks } from "../support/hooks.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import * as jobs from "./jobs/callbacks.ts";
import { Bench, burst, WorkerProcess } from "./support.ts";

/** The jobs that send webhooks, in a registry of the queue. */
async function senders(
  { client }: Bench,
  registry: string,
): Promise<string[]> {
  const ids = await client.send("ZRANGE", [`rq:${registry}:low`, 0, -1]);
  return (ids as string[]).filter((id) => id.includes("-webhook-"));
}

Deno.test("a webhook that is not taken is sent again, as the same and signed, and no job waits for it", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const answers = [503, 200];
  await using hooks = new Hooks(() =>
    new Response(null, { status: answers.shift() ?? 500 })
  );
  const secret = "whsec_AAEC/w==";
  const url = `${hooks.url}/jobs`;
  const low = bench.queue("low");
  const job = await low.enqueueCall({
    func: jobs.doubles,
    args: ["", 2],
    webhooks: webhook(url, { method: "POST", headers: { "x-a": "b" }, secret }),
  });
  await using worker = await WorkerProcess.listening([
    "low",
    "--url",
    redis.url,
  ]);
  await waitFor(async () => (await senders(bench, "scheduled")).length === 1);
  assertEquals(await job.result(), 4);
  const after = await low.enqueue("jobs.add", 1, 2);
  assertEquals(await after.wait({ timeout: 60 }), 3);
  assertEquals(hooks.got.length, 1);
  await worker.waitForOutput(/Webhook failed: webhook to http:[^]*with 503/);

  const [sender] = await senders(bench, "scheduled");
  await bench.client.send("ZADD", ["rq:scheduled:low", "XX", 1, sender!]);
  await waitFor(async () => (await senders(bench, "finished")).length === 1);
  const [first, second] = hooks.got;
  for (const { method, path, headers, body } of [first!, second!]) {
    assertEquals([method, path, headers.get("x-a")], ["POST", "/jobs", "b"]);
    const id = headers.get("webhook-id");
    assertEquals(id, sender);
    const content = `${id}.${headers.get("webhook-timestamp")}.${body}`;
    const hmac = createHmac("sha256", Uint8Array.of(0, 1, 2, 255))
      .update(Buffer.from(content)).digest("base64");
    assertEquals(headers.get("webhook-signature"), `v1,${hmac}`);
  }
  const { enqueued_at, ended_at, ...told } = JSON.parse(first!.body);
  assertEquals(told, {
    job_id: job.id,
    func_name: "callbacks.doubles",
    status: "finished",
  });
  assert(Date.parse(enqueued_at) <= Date.parse(ended_at));
  assertEquals(first!.body, second!.body);
});

Deno.test.each(["process", "reuse", "shared"])(
  "with isolation %s, a failure and a cancellation are told, and a success is not",
  async (isolation) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    await using hooks = new Hooks();
    const webhooks = [
      webhook(`${hooks.url}/failed`, { status: "failed", method: "POST" }),
      webhook(`${hooks.url}/canceled`, { status: "canceled" }),
    ];
    const low = bench.queue("low");
    const canceled = await low.enqueueCall({
      func: jobs.doubles,
      args: ["", 1],
      webhooks,
    });
    await canceled.cancel();
    await low.enqueueCall({ func: jobs.doubles, args: ["", 1], webhooks });
    const job = await low.enqueueCall({
      func: jobs.breaks,
      args: [""],
      failureTtl: 0,
      webhooks,
    });
    const args = ["low", "--url", redis.url, "--isolation", isolation];
    const { code } = await burst(args);
    assertEquals(code, 0);
    const [first, second, ...others] = hooks.got;
    assertEquals([first!.path, first!.body], ["/canceled", ""]);
    const { job_id, status, exc_info } = JSON.parse(second!.body);
    assertEquals([job_id, status], [job.id, "failed"]);
    assertStringIncludes(exc_info, "RangeError: broken\n    at breaks");
    assertEquals(others, []);
  },
);

Deno.test("a webhook is sent with the permissions of jobs: where the net is not allowed, that is said, and it waits to be requeued", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using hooks = new Hooks();
  const low = bench.queue("low");
  const enqueue = () =>
    low.enqueueCall({
      func: jobs.doubles,
      args: ["", 2],
      webhooks: webhook(hooks.url, { status: "finished" }),
    });
  await enqueue();
  const args = ["low", "--url", redis.url];
  const denied = await burst([...args, "--job-allow-net=example.com"]);
  assertStringIncludes(
    denied.stderr,
    `NotCapable: Requires net access to "${hooks.host}"`,
  );
  assertEquals(hooks.got.length, 0);
  const [failed] = await senders(bench, "failed");
  await (await low.fetchJob(failed!))!.requeue();
  await enqueue();
  const allowed = await burst([...args, `--job-allow-net=${hooks.host}`]);
  assertEquals(allowed.stderr, "");
  const ids = hooks.got.map(({ headers }) => headers.get("webhook-id"));
  assertEquals([ids.length, ids.includes(failed!)], [2, true]);
});

Deno.test("a webhook is sent again, as the same, if its worker is killed before the answer", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const { promise, resolve } = Promise.withResolvers<Response>();
  const answers: Promise<Response>[] = [promise];
  await using hooks = new Hooks(() => answers.shift() ?? new Response());
  const args = ["low", "--url", redis.url];
  const doomed = await WorkerProcess.listening(args);
  await bench.queue("low").enqueueCall({
    func: jobs.doubles,
    args: ["", 2],
    webhooks: webhook(hooks.url, { status: "finished", timeout: "5m" }),
  });
  await waitForEqual(() => hooks.got.length, 1);
  doomed.kill("SIGKILL");
  await doomed.ended();
  resolve(new Response());
  await using _next = await WorkerProcess.listening(args);
  await waitForEqual(() => hooks.got.length, 2);
  const ids = hooks.got.map(({ headers }) => headers.get("webhook-id"));
  assertEquals(ids[0], ids[1]);
  await waitFor(async () => (await senders(bench, "finished")).length === 1);
});

Deno.test("a running job enqueues one with a webhook", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using hooks = new Hooks();
  const url = `${hooks.url}/child`;
  const job = await bench.queue("low").enqueue(jobs.enqueuesHook, url);
  const { code } = await burst(["low", "--url", redis.url]);
  assertEquals(code, 0);
  const child = await job.result() as string;
  assertEquals(await bench.field(`rq:job:${child}`, "status"), "finished");
  assertEquals(hooks.got.map(({ path }) => path), ["/child"]);
});

Deno.test("what cannot be sent fails the job that sends it, alone", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const text = (url: string) =>
    JSON.stringify([{ url, job_status: "finished" }]);
  const ids = ["file", "none"];
  for (const [i, url] of ["file:///etc/passwd", "nothing"].entries()) {
    await bench.push("low", ids[i]!, {
      data: `["jobs.add",null,[1,2],{}]`,
      created_at: "2026-01-01T00:00:00Z",
      timeout: 10,
      status: "queued",
      origin: "low",
      webhooks: text(url),
    });
  }
  const { code, stderr } = await burst(["low", "--url", redis.url]);
  assertEquals(code, 0);
  for (const id of ids) await bench.hasStatus(id, "finished");
  assertStringIncludes(
    stderr,
    "expected a URL with http: or https:, got file:",
  );
});
