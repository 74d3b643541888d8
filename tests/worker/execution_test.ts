/** One execution, from the claimed job to its end. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  ConnectionLostError,
  ReplyError,
} from "../../lib/redis/redis_client.ts";
import { STATE } from "../../lib/store/scripts/state.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import { JobAborted } from "../../lib/worker/abort.ts";
import type { AbortKind } from "../../lib/worker/abort.ts";
import { JobLog } from "../../lib/worker/job_log.ts";
import { SILENT } from "../../lib/worker/log.ts";
import type { ExecutorOptions } from "../../lib/worker/execution.ts";
import { sendingBy } from "../store/support.ts";
import { failure, type Run, Stage, SUCCESS } from "./stage.ts";

Deno.test("a job that succeeds ends with its result, which is kept as long as the worker says", async () => {
  await using stage = await Stage.open();
  const executor = stage.executor(() => Promise.resolve(SUCCESS));
  const { execution, signal } = await stage.begun();
  const { end, hasBegun, fault } = await executor.run(execution, signal);
  assert(end !== undefined && end.workedMs >= 0);
  assertEquals({ ...end, workedMs: 0 }, {
    execution,
    outcome: "finished",
    ttl: 500,
    payload: btoa("42"),
    workedMs: 0,
  });
  assertEquals([hasBegun, fault], [true, undefined]);
});

Deno.test("a job says itself how long its result is kept", async () => {
  await using stage = await Stage.open();
  const executor = stage.executor(() => Promise.resolve(SUCCESS));
  const fields = { result_ttl: 7 };
  const { execution, signal } = await stage.begun("a", { fields });
  const { end } = await executor.run(execution, signal);
  assertEquals(end?.ttl, 7);
});

const OUTCOMES: Readonly<Record<AbortKind, string | undefined>> = {
  lost: undefined,
  cold: "requeued",
  stopped: "stopped",
  killed: "failed",
};

for (const [kind, outcome] of Object.entries(OUTCOMES)) {
  Deno.test(`a run that is aborted as ${kind} ends as ${outcome ?? "nothing"}`, async () => {
    await using stage = await Stage.open();
    const executor = stage.executor((signal) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      )
    );
    const { execution, signal } = await stage.begun();
    const running = executor.run(execution, signal);
    stage.inHand.abort(kind as AbortKind, () => true);
    const { end, hasBegun, fault } = await running;
    assertEquals([end?.outcome, hasBegun, fault], [outcome, false, undefined]);
  });
}

Deno.test.each(
  [
    [undefined, "released"],
    ["cold", "released"],
    ["stopped", "stopped"],
    ["lost", undefined],
  ] as const,
)(
  "a job that was prefetched and is not to be begun, aborted as %s, ends as %s",
  async (kind, outcome) => {
    await using stage = await Stage.open();
    const executor = stage.executor(() => Promise.resolve(SUCCESS));
    const { execution } = await stage.begun();
    assertEquals(executor.notBegun(execution, kind)?.outcome, outcome);
  },
);

Deno.test("a job that is to end before it begins is not handed to a runner", async () => {
  await using stage = await Stage.open();
  let runs = 0;
  const executor = stage.executor(() => {
    runs++;
    return Promise.resolve(SUCCESS);
  });
  const { execution } = await stage.begun();
  const aborted = AbortSignal.abort(new JobAborted("stopped"));
  const { end } = await executor.run(execution, aborted);
  assertEquals([end?.outcome, runs], ["stopped", 0]);
});

Deno.test("a job for which no process can be started goes back, and the child's own reason is told", async () => {
  await using stage = await Stage.open();
  const tail =
    "\n\nDownload jsr.io\nerror: JSR package manifest failed to load\n  at x";
  const executor = stage.executor(() =>
    Promise.resolve(failure("start", tail))
  );
  const { execution, signal } = await stage.begun();
  const { end, hasBegun, fault } = await executor.run(execution, signal);
  assertEquals([end?.outcome, hasBegun], ["released", false]);
  assertEquals(fault, "It failed: error: JSR package manifest failed to load");
});

Deno.test("what cannot be read of a job fails that job, and proves nothing of processes", async () => {
  await using stage = await Stage.open();
  const executor = stage.executor(() => Promise.resolve(SUCCESS));
  const { execution, signal } = await stage.begun("a", {
    fields: { data: "no data at all" },
  });
  const { end, hasBegun, fault } = await executor.run(execution, signal);
  assertEquals([end?.outcome, hasBegun, fault], ["failed", false, undefined]);
});

const FAULTS: [string, Partial<ExecutorOptions>, Run][] = [
  ["the runner rejects", {}, () => Promise.reject(new TypeError("a fault"))],
  ["the runner throws no error", {}, () => Promise.reject("a fault")],
  ["there is no runner", {
    runnerOf: () => {
      throw new RangeError("a fault");
    },
  }, () => Promise.resolve(SUCCESS)],
  ["the log throws", {
    jobLog: new JobLog({
      ...SILENT,
      takes: () => true,
      info() {
        throw new Error("a fault");
      },
    }, true),
  }, () => Promise.resolve(SUCCESS)],
];

Deno.test.each(FAULTS)(
  "where %s, the job goes back",
  async (_what, options, run) => {
    await using stage = await Stage.open();
    const { execution, signal } = await stage.begun();
    const executor = stage.executor(run, options);
    const { end, hasBegun, fault } = await executor.run(execution, signal);
    assertStringIncludes(String(fault), "a fault");
    assertEquals([end?.outcome, hasBegun], ["requeued", false]);
  },
);

Deno.test.each<[string, Error, string]>([
  ["is lost", new ConnectionLostError("lost", { sent: true }), "requeued"],
  ["is busy with a script", new ReplyError("BUSY Redis is busy"), "requeued"],
  [
    "has another type of value there",
    new ReplyError("WRONGTYPE of key"),
    "finished",
  ],
])(
  "a job that is to get a parent's result from a Redis that %s is not to blame for that",
  async (_name, refusal, outcome) => {
    await using stage = await Stage.open();
    const client = sendingBy(
      stage.bench.client,
      (command, args, options) =>
        args?.[0] === STATE.sha
          ? Promise.reject(refusal)
          : stage.bench.client.send(command, args, options),
    );
    const store = new WorkerStore(client, stage.bench.keys);
    const run = () => Promise.resolve(SUCCESS);
    const executor = stage.executor(run, { store });
    const fields = { x_pass_results: '["p"]' };
    const { execution, signal } = await stage.begun("a", { fields });
    const { end, fault } = await executor.run(execution, signal);
    assertEquals(end?.outcome, outcome);
    assertEquals(fault !== undefined, outcome === "requeued");
  },
);
