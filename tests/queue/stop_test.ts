/** `job.stop()` and RQ's commands, beside a worker that a test plays. Whole workers are in tests/e2e/stop_test.ts. */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  dependency,
  InvalidJobOperationError,
  Job,
  NoSuchJobError,
  sendKillHorseCommand,
  sendShutdownCommand,
  sendStopExecutionCommand,
  sendStopJobCommand,
} from "../../mod.ts";
import type { Execution } from "../../lib/store/worker_types.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Desk } from "./support.ts";

/** Waits until somebody has asked for it to stop; the heartbeat is what tells the worker. */
async function asked(desk: Desk, execution: Execution): Promise<void> {
  await waitFor(async () => {
    const { bench, worker } = desk;
    const beat = await bench.workers.heartbeat(worker, 480, [execution]);
    return beat.stopped.has(execution.id);
  });
}

async function running(desk: Desk, failureTtl = 500) {
  const call = { func: "jobs.f", failureTtl, retry: 2 };
  const job = await desk.queue.enqueueCall(call);
  return { job, execution: await desk.bench.claim(desk.worker) };
}

Deno.test("stop() resolves when the worker has stopped the job; who and why stay with it until it is requeued", async () => {
  await using desk = await Desk.open();
  const { bench, worker } = desk;
  const { job, execution } = await running(desk);
  let resolved = false;
  const stopping = job.stop({ by: "ann", reason: "too slow" })
    .then(() => resolved = true);
  await asked(desk, execution);
  assertEquals(resolved, false);
  assertEquals(await job.getStatus(), "started");
  await bench.end(worker, execution, { outcome: "stopped" });
  await stopping;
  await job.refresh();
  assertEquals(job.stoppedBy, { by: "ann", reason: "too slow" });
  assertEquals(await bench.field(job.id, "retries_left"), "2");
  await job.stop(); // it has stopped
  await job.requeue();
  await job.refresh();
  assertEquals(job.stoppedBy, null);
  await desk.finish();
  assertEquals(await job.getStatus(), "finished");
});

Deno.test("who asks first is stored, and nobody need say who he is", async () => {
  await using desk = await Desk.open();
  const { bench, worker } = desk;
  const { job, execution } = await running(desk);
  const first = job.stop({ by: "ann" });
  await asked(desk, execution);
  const second = job.stop({ by: "bob", reason: "me too" });
  await bench.end(worker, execution, { outcome: "stopped" });
  await Promise.all([first, second]);
  await job.refresh();
  assertEquals(job.stoppedBy, { by: "ann" });
  await job.requeue();
  const again = await bench.claim(worker);
  const third = job.stop();
  await asked(desk, again);
  await bench.end(worker, again, { outcome: "stopped" });
  await third;
  await job.refresh();
  assertEquals(job.stoppedBy, {});
});

Deno.test("a job that fails while it is to be stopped is stopped, with its own failure, and not tried again", async () => {
  await using desk = await Desk.open();
  const { bench, worker } = desk;
  const { job, execution } = await running(desk);
  const stopping = job.stop();
  await asked(desk, execution);
  assertEquals(
    await bench.end(worker, execution, { outcome: "failed" }),
    "stopped",
  );
  await stopping;
  assertStringIncludes(await job.excInfo() ?? "", "Error: bad");
});

Deno.test("a job that is put back while it is to be stopped is stopped, with RQ's words", async () => {
  await using desk = await Desk.open();
  const { bench, worker } = desk;
  const { job, execution } = await running(desk);
  const stopping = job.stop();
  await asked(desk, execution);
  const end = { outcome: "requeued", payload: "", ttl: 0 } as const;
  assertEquals(await bench.end(worker, execution, end), "stopped");
  await stopping;
  assertEquals(
    await job.excInfo(),
    "Job stopped by user, work-horse terminated.",
  );
  assertEquals(await bench.ttl(bench.keys.job(job.id)), 500);
});

Deno.test("a job that finishes first has finished", async () => {
  await using desk = await Desk.open();
  const { bench, worker } = desk;
  const { job, execution } = await running(desk);
  const stopping = assertRejects(
    () => job.stop(),
    InvalidJobOperationError,
    `Cannot stop job "${job.id}": it was asked to stop, and is finished now`,
  );
  await asked(desk, execution);
  assertEquals(await bench.end(worker, execution), "finished");
  await stopping;
  await job.refresh();
  assertEquals(job.stoppedBy, null);
});

Deno.test("a job whose failure is not kept is gone once it has stopped, and stop() resolves", async () => {
  await using desk = await Desk.open();
  const { bench, worker } = desk;
  const { job, execution } = await running(desk, 0);
  const stopping = job.stop();
  await asked(desk, execution);
  await bench.end(worker, execution, { outcome: "stopped", ttl: 0 });
  await stopping;
  assertEquals(await job.getStatus(), null);
});

Deno.test("a job that nobody runs any more is stopped at once, and its dependents hear of it", async () => {
  await using desk = await Desk.open();
  const { bench, queue } = desk;
  const { job, execution } = await running(desk);
  const child = await queue.enqueueCall({
    func: "jobs.g",
    dependsOn: dependency(job, { ifParentFails: "cancel" }),
  });
  await bench.expire(execution);
  await job.stop({ reason: "its machine is gone" });
  assertEquals(await job.getStatus(), "stopped");
  assertEquals(await child.getStatus(), "canceled");
  assertEquals(await bench.members("rq:wip:q"), []);
  // The worker that comes back records nothing.
  assertEquals(await bench.end(desk.worker, execution), "lost");
});

Deno.test("what is not running cannot be stopped, and stays as it is", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueue("jobs.f");
  const { id } = job;
  const { connection } = desk.queue;
  const error = await assertRejects(
    () => job.stop(),
    InvalidJobOperationError,
    `Cannot stop job "${id}": it is queued, not started`,
  );
  assertEquals([error.jobId, error.status], [id, "queued"]);
  await assertRejects(
    () => sendStopJobCommand(id, { connection }),
    InvalidJobOperationError,
    `Cannot stop job "${id}": it is queued, not started`,
  );
  assertEquals(await job.getStatus(), "queued");
  await job.delete();
  await assertRejects(() => job.stop(), NoSuchJobError);
  await assertRejects(
    () => sendStopJobCommand(id, { connection }),
    NoSuchJobError,
  );
});

Deno.test("the wait for a stop ends with its timeout or signal; the job is still to be stopped", async () => {
  await using desk = await Desk.open();
  const { job, execution } = await running(desk);
  const late = await assertRejects(
    () => job.stop({ timeout: 0.05 }),
    DOMException,
  );
  assertEquals(late.name, "TimeoutError");
  const reason = new Error("enough");
  const controller = new AbortController();
  const stopping = assertRejects(
    () => job.stop({ signal: controller.signal }),
    Error,
    "enough",
  );
  controller.abort(reason);
  await stopping;
  await asked(desk, execution);
});

Deno.test("wrong options of a stop are refused before anything is asked", async () => {
  await using desk = await Desk.open();
  const { job, execution } = await running(desk);
  await assertRejects(
    () => job.stop({ reson: "typo" } as never),
    TypeError,
    `Cannot stop job "${job.id}": there is no option "reson", did you mean "reason"?`,
  );
  await assertRejects(
    () => job.stop({ by: 5 } as never),
    TypeError,
    `Cannot stop job "${job.id}": by is a number, not a text`,
  );
  const { bench, worker } = desk;
  const beat = await bench.workers.heartbeat(worker, 480, [execution]);
  assertEquals(beat.stopped.size, 0);
});

Deno.test("a stop is asked for again while it is waited for, and a run that has begun since is left alone", async () => {
  await using desk = await Desk.open();
  const { bench, worker } = desk;
  const { job, execution } = await running(desk);
  const stopping = job.stop();
  await asked(desk, execution);
  await bench.end(worker, execution, { outcome: "stopped" });
  await job.requeue();
  const next = await bench.claim(worker);
  await stopping;
  const beat = await bench.workers.heartbeat(worker, 480, [next]);
  assertEquals([...beat.stopped, ...beat.lost], []);
});

Deno.test("RQ's commands are sent as RQ sends them, and tell whether somebody listens", async () => {
  await using desk = await Desk.open();
  const { bench, queue: { connection } } = desk;
  const { job, execution } = await running(desk);
  assertEquals(await sendShutdownCommand("w1", { connection }), false);
  const heard: unknown[] = [];
  await using _subscription = await bench.client.subscribe(
    bench.keys.channel("w1"),
    (message) => void heard.push(JSON.parse(message)),
  );
  const answers = [
    await sendShutdownCommand("w1", { connection }),
    await sendKillHorseCommand("w1", { connection }),
    await sendStopJobCommand(job.id, { connection }),
    await sendStopExecutionCommand(job.id, execution.id, { connection }),
  ];
  assertEquals(answers, [true, true, true, true]);
  await waitForEqual<unknown>(() => heard, [
    { command: "shutdown" },
    { command: "kill-horse" },
    { command: "stop-job", job_id: job.id },
    {
      command: "stop-execution",
      execution_id: execution.id,
      job_id: job.id,
    },
  ]);
  await assertRejects(
    () => sendShutdownCommand("w1", { conection: connection } as never),
    TypeError,
    `Cannot shut down worker "w1": there is no option "conection"`,
  );
});

Deno.test("the worker is told at once over its channel, by the execution", async () => {
  await using desk = await Desk.open();
  const { bench } = desk;
  const { job, execution } = await running(desk);
  const heard: unknown[] = [];
  await using _subscription = await bench.client.subscribe(
    bench.keys.channel("w1"),
    (message) => void heard.push(JSON.parse(message)),
  );
  const { connection } = desk.queue;
  const fetched = await Job.fetch(job.id, { connection });
  const stopping = fetched.stop();
  await waitFor(() => heard.length > 0);
  const { id: execution_id } = execution;
  assertEquals(heard[0], {
    command: "stop-execution",
    job_id: job.id,
    execution_id,
  });
  await bench.end(desk.worker, execution, { outcome: "stopped" });
  await stopping;
});
