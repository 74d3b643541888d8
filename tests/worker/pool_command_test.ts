/** What a pool hands on to its workers. */

import { assertEquals, assertThrows } from "@std/assert";
import { parseFlags } from "../../lib/cli/flags.ts";
import { WORKER_FLAGS } from "../../lib/cli/worker_flag_list.ts";
import { queuesOf, workerOptions } from "../../lib/cli/worker_flags.ts";
import type { WorkerOptions } from "../../lib/worker/options.ts";
import { workerArgs, workerEnv } from "../../lib/worker/pool_command.ts";
import { SETTING_LIST } from "../../lib/worker/settings.ts";

/** A value of each kind that is not the default. */
const VALUES: Readonly<Record<string, unknown>> = {
  text: "a b",
  texts: ["--a=b,c", "d"],
  list: ["a*", "b"],
  count: 7,
  duration: "7s",
  size: "256MB",
  strategy: "weighted:low=2",
};

/** Options that the pool or this test takes care of. */
const APART = [
  ...["connection", "connectTimeout", "log", "signal"],
  ...["permissions", "queueIsolation", "jobMonitoringInterval"],
];

/** The options that a worker reads from what a pool hands on. */
function handedOn(
  options: WorkerOptions,
  queues: readonly string[] = ["low"],
): { options: WorkerOptions; queues: readonly string[] } {
  const [command, ...args] = workerArgs(queues, options);
  assertEquals(command, "worker");
  const flags = parseFlags(args, WORKER_FLAGS, { jobPermissions: true });
  assertEquals(flags.switches.has("until-eof"), true);
  const { queueIsolation = {}, ...read } = workerOptions(flags, () => {});
  return {
    options: Object.keys(queueIsolation).length === 0
      ? read
      : { ...read, queueIsolation },
    queues: queuesOf(flags),
  };
}

Deno.test.each(SETTING_LIST.filter(({ option }) => !APART.includes(option)))(
  "a worker of a pool gets the option $option",
  (setting) => {
    const { option, kind, choices = [] } = setting;
    const value = kind === "switch"
      ? !setting.default
      : kind === "choice"
      ? choices.at(-1)
      : VALUES[kind];
    const options = { [option]: value } as WorkerOptions;
    assertEquals(handedOn(options).options, options);
  },
);

Deno.test("a worker of a pool gets permissions, and the isolation of single queues", () => {
  const options: WorkerOptions = {
    permissions: ["--allow-net=a,b", "--deny-read=/x"],
    isolation: "reuse",
    queueIsolation: { low: "process" },
    jobMonitoringInterval: 3,
  };
  const { options: read } = handedOn(options);
  assertEquals(read, { ...options, jobMonitoringInterval: "3" });
  assertEquals(handedOn({ permissions: [] }).options.permissions, [
    "--allow-none",
  ]);
});

Deno.test("what is the default anyway is not handed on", () => {
  const options = { maxJobs: Infinity, burst: false, withScheduler: true };
  assertEquals(handedOn(options).options, {});
});

Deno.test("queues may have any name", () => {
  const queues = ["a,b", "-x", "worker", "--"];
  assertEquals(handedOn({}, queues).queues, queues);
});

Deno.test("an option that cannot be handed on is refused", () => {
  assertThrows(
    () => workerArgs(["low"], { connectTimeout: 5 }),
    TypeError,
    "the option connectTimeout cannot be passed on",
  );
});

Deno.test("where Redis is stands in the environment, not on the command line", () => {
  const connection = new URL("redis://:secret@127.0.0.1/1");
  assertEquals(workerEnv({ connection }), {
    REDIS_URL: "redis://:secret@127.0.0.1/1",
    RQ_REDIS_URL: "",
    RQ_CONFIG: "",
  });
  assertEquals(workerEnv({}), { RQ_CONFIG: "" });
  assertEquals(
    workerArgs(["low"], { connection }).join().includes("se"),
    false,
  );
});
