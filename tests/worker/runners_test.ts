/** Which runner a job gets. */

import { assert, assertEquals } from "@std/assert";
import { JobRecord } from "../../lib/job/record.ts";
import { LimitedRunner } from "../../lib/runner/limited_runner.ts";
import type { Runner } from "../../lib/runner/runner.ts";
import { SharedRunner } from "../../lib/runner/shared_runner.ts";
import { SubprocessRunner } from "../../lib/runner/subprocess_runner.ts";
import type { Execution } from "../../lib/store/worker_types.ts";
import { checkSettings } from "../../lib/worker/check_settings.ts";
import type { WorkerOptions } from "../../lib/worker/options.ts";
import { Runners } from "../../lib/worker/runners.ts";

function runners(options: WorkerOptions): Runners {
  return new Runners({
    settings: checkSettings(["low", "high"], options),
    common: {
      paths: [],
      permissions: { flags: [], warnings: [] },
      sink: {
        stdout: () => Promise.resolve(),
        stderr: () => Promise.resolve(),
      },
      onWarning: () => {},
    },
  });
}

function execution(
  fields: Record<string, string> = {},
  queue = "low",
): Execution {
  const bytes = Object.entries(fields).map(([name, text]) =>
    [name, new TextEncoder().encode(text)] as const
  );
  return { id: "e", queue, job: new JobRecord("a", new Map(bytes)) };
}

const SUSPECT = { x_abandoned: "0 t", enqueued_at: "t" };

type Class = new (...args: never[]) => Runner;

Deno.test.each<[string, WorkerOptions, Execution, Class]>([
  ["by default", {}, execution(), SubprocessRunner],
  ["of a shared queue", { isolation: "shared" }, execution(), SharedRunner],
  [
    "of a queue with an isolation of its own",
    { queueIsolation: { low: "shared" } },
    execution(),
    SharedRunner,
  ],
  [
    "of the other queue",
    { queueIsolation: { low: "shared" } },
    execution({}, "high"),
    SubprocessRunner,
  ],
  [
    "that asks for a stricter isolation",
    { isolation: "shared" },
    execution({ x_isolation: "reuse" }),
    SubprocessRunner,
  ],
  [
    "that asks for a looser one",
    {},
    execution({ x_isolation: "shared" }),
    SubprocessRunner,
  ],
  [
    "that asks for a process of its own",
    { isolation: "reuse" },
    execution({ x_isolation: "process" }),
    LimitedRunner,
  ],
  [
    "that asks for what there is not",
    { isolation: "shared" },
    execution({ x_isolation: "none" }),
    SharedRunner,
  ],
  [
    "that may have killed its last worker",
    { isolation: "shared" },
    execution(SUSPECT),
    LimitedRunner,
  ],
])("a job %s gets its runner", async (_what, options, job, expected) => {
  await using all = runners(options);
  const runner = all.of(job);
  assert(runner instanceof expected, runner.constructor.name);
});

Deno.test("jobs with the same isolation share a runner, those with another do not", async () => {
  await using all = runners({ queueIsolation: { high: "shared" } });
  assertEquals(all.of(execution()), all.of(execution()));
  assert(all.of(execution()) !== all.of(execution({}, "high")));
});
