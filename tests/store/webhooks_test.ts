/** What is sent when a job ends: a job of its own for each request, made in the step that ends the job. */

import { assert, assertEquals } from "@std/assert";
import { encodeFailure } from "../../lib/job/result_codec.ts";
import {
  checkWebhooks,
  webhook,
  webhookFields,
} from "../../lib/job/webhook.ts";
import { endedRecord } from "../../lib/store/ended_job.ts";
import { Bench, type Ending } from "./support.ts";

const STATUSES = ["finished", "failed", "stopped", "canceled"] as const;

/** Fields of a job with a webhook for each status, and one more for its failure. */
const FIELDS = Object.fromEntries(webhookFields(checkWebhooks([
  ...STATUSES.map((status) =>
    webhook(`https://me.example/${status}`, { status, secret: "s" })
  ),
  webhook("https://other.example/secret", {
    status: "failed",
    method: "POST",
    timeout: 5,
  }),
])));

async function sent(bench: Bench, id: string) {
  const job = await bench.jobs.fetch(id);
  assert(job !== null, id);
  const webhook = JSON.parse(job.text("x_webhook") ?? "{}");
  return { job, webhook };
}

Deno.test("each end has its webhooks, at the head of the queue, to be sent again for hours, alone in a process", async () => {
  for (const outcome of ["finished", "failed", "stopped"] as const) {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    await bench.add("a", { fields: FIELDS });
    await bench.add("b");
    const execution = await bench.claim(worker);
    await bench.end(worker, execution, { outcome });
    const ids = await bench.queued();
    assertEquals(ids.pop(), "b");
    const at = { finished: [1], failed: [5, 2], stopped: [3] }[outcome];
    assertEquals(ids, at.map((i) => `a-webhook-${i}-${execution.id}`));
    const { job, webhook } = await sent(bench, ids.at(-1)!);
    assertEquals(webhook, {
      url: `https://me.example/${outcome}`,
      job_status: outcome,
      method: "GET",
      headers: null,
      timeout: 10,
      secret: "s",
    });
    assertEquals(
      job.description,
      `webhook to https://me.example, on ${outcome} of a`,
    );
    assertEquals(job.call.funcName, "deno_rq.webhook");
    assertEquals([job.timeout, job.integer("retries_left")], [40, 8]);
    assertEquals(job.text("x_isolation"), "process");
    const intervals: number[] = JSON.parse(job.text("retry_intervals")!);
    assertEquals(intervals.length, 8);
    const ended = endedRecord(job);
    assertEquals([ended.job.id, ended.job.text("status")], ["a", outcome]);
    assertEquals(ended.outcome === "", outcome === "finished");
  }
});

Deno.test("a job that is canceled has its webhook, one that is deleted or tried again has none", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  for (const id of ["a", "b"]) await bench.add(id, { fields: FIELDS });
  await bench.jobs.delete("b");
  await bench.jobs.cancel("a");
  const [id, ...others] = await bench.queued();
  assertEquals(others, []);
  const { webhook } = await sent(bench, id!);
  assertEquals(webhook.job_status, "canceled");
  await bench.send("DEL", "rq:queue:q");
  await bench.add("c", { fields: { ...FIELDS, retries_left: 1 } });
  await bench.run(worker, { outcome: "failed" });
  assertEquals(await bench.queued(), ["c"]);
});

Deno.test("RQ's webhooks are sent, and what is no list of them is passed over", async () => {
  const webhooks: [string, number][] = [
    [
      `[{"url": "http://a.b", "job_status": "finished", "method": "POST", "headers": {}, "timeout": 10}]`,
      1,
    ],
    [
      `[5, null, [], {}, {"job_status": "finished"}, {"url": [1], "job_status": "finished", "timeout": "x"}]`,
      2,
    ],
    [`{"job_status": "finished"}`, 0],
    ["", 0],
    ["[", 0],
    ["5", 0],
    [`[${Array(50).fill(`{"job_status":"finished"}`)}]`, 20],
  ];
  for (const [text, count] of webhooks) {
    await using bench = await Bench.open();
    const worker = await bench.worker();
    await bench.add("a", { fields: { webhooks: text } });
    await bench.run(worker);
    assertEquals((await bench.queued()).length, count, text);
    assertEquals(await bench.status("a"), "finished");
  }
});

Deno.test("a webhook of a failure takes the failure along, also if the job is not kept", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", { fields: FIELDS });
  const payload = encodeFailure("Error: late");
  const ending: Partial<Ending> = { outcome: "failed", ttl: 0, payload };
  await bench.run(worker, ending);
  assertEquals(await bench.status("a"), null);
  for (const id of await bench.queued()) {
    const { job } = await sent(bench, id);
    assertEquals(endedRecord(job).outcome, payload);
    assert(!job.description.includes("secret"), job.description);
  }
});
