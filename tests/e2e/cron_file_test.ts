/** Schedules that a file declares, for `worker.ts cron FILE` and `--cron FILE`. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { Schedules } from "../../mod.ts";
import { jobFlags } from "../support/deno_flags.ts";
import { Project } from "../support/project.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import {
  Bench,
  burst,
  JOBS,
  Ledger,
  logLines,
  WorkerProcess,
} from "./support.ts";

const MOD = new URL("../../mod.ts", import.meta.url).href;

/** A file of declarations. */
function fileOf(...lines: string[]): string {
  return [`import { cron } from ${JSON.stringify(MOD)};`, ...lines].join("\n");
}

/** A project of its own with a file of declarations. */
function projectOf(...lines: string[]): Project {
  return new Project({ "deno.json": "{}", "cron.ts": fileOf(...lines) });
}

/** A declaration that is never due. */
function yearly(name: string, more = ""): string {
  return `cron("${name}", "0 0 1 1 *", { func: "jobs.add", args: [1, 2], queue: "low"${more} });`;
}

/** The program that only schedules, once it does. */
async function scheduling(
  url: string,
  file: string,
  env: Record<string, string> = {},
): Promise<WorkerProcess> {
  const args = ["cron", file, "--url", url, ...jobFlags()];
  const program = new WorkerProcess(args, { env });
  await program.waitForOutput(/\*\*\* Scheduling the jobs of /);
  return program;
}

Deno.test("cron FILE makes the jobs that a file declares and runs none; a worker runs them", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using schedules = new Schedules({ connection: bench.client });
  using ledger = new Ledger();
  await using program = await scheduling(redis.url, "cron.ts", {
    LEDGER: ledger.path,
  });
  await waitFor(async () => (await schedules.runs("ticks")).length > 1);
  assertEquals(ledger.lines(), []);
  const shown = (await schedules.all()).map((
    { name, file, funcName, when },
  ) => [
    name,
    file,
    funcName,
    when,
  ]);
  assertEquals(shown.toSorted(), [
    ["adds", "cron.ts", "jobs.add", { every: 3_600 }],
    ["ticks", "cron.ts", "jobs.note", "* * * * * *"],
  ]);
  const { lastJobId } = (await schedules.get("adds"))!;
  await using _worker = await WorkerProcess.listening([
    ...["low", "--url", redis.url, "--no-scheduler"],
  ]);
  await bench.hasStatus(lastJobId!, "finished");
  await waitFor(() => ledger.lines().length > 3);
  program.kill("SIGTERM");
  const { code, stderr } = await program.ended();
  assertEquals([code, stderr], [0, ""]);
  const lines = logLines(program.stdout);
  assertStringIncludes(lines[0]!, "RQ cron scheduler '");
  assertEquals(lines[1], "cron.ts declares 2 schedules");
  assertEquals(lines[2], "*** Scheduling the jobs of cron.ts...");
  assertStringIncludes(lines.at(-1)!, "stopping on request");
  assertEquals(await bench.client.send("ZCARD", ["rq:cron_schedulers"]), 0);
});

Deno.test("of two cron programs and a worker with --cron each slot is run once, also when two of them are killed", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using schedules = new Schedules({ connection: bench.client });
  using ledger = new Ledger();
  const env = { LEDGER: ledger.path };
  await using first = await scheduling(redis.url, "cron.ts", env);
  await using second = await scheduling(redis.url, "cron.ts", env);
  await using _worker = await WorkerProcess.listening([
    ...["low", "--url", redis.url, "--cron", "cron.ts", ...jobFlags()],
    ...jobFlags(),
  ], { env });
  const grows = async (by: number) => {
    const before = ledger.lines().length;
    await waitFor(() => ledger.lines().length >= before + by);
  };
  await grows(2);
  first.kill("SIGKILL");
  await grows(7);
  second.kill("SIGKILL");
  await grows(7);
  await schedules.pause("ticks");
  const runs = await schedules.runs("ticks");
  const slots = runs.map(({ slot }) => slot!.getTime() / 1_000).reverse();
  assertEquals(slots, slots.map((_, i) => slots[0]! + i));
  for (const { jobId } of runs) await bench.hasStatus(jobId!, "finished");
  await waitForEqual(() => ledger.lines().length, runs.length);
});

Deno.test("a declaration that is taken out of the file is removed, others of the same Redis stay", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using schedules = new Schedules({ connection: bench.client });
  await schedules.upsert("by a call", "0 0 1 1 *", { func: "jobs.add" });
  const names = async () =>
    (await schedules.all()).map(({ name }) => name).sort();
  using project = projectOf(yearly("a"), yearly("b"));
  const file = join(project.path, "cron.ts");
  const args = ["low", "--url", redis.url, "--cron", file, ...jobFlags()];
  await burst(args);
  assertEquals(await names(), ["a", "b", "by a call"]);
  await schedules.pause("b");
  const { nextRun } = (await schedules.get("b"))!;
  assertEquals(nextRun, null);
  project.write(
    "cron.ts",
    fileOf(yearly("b", `, overlap: "skip"`), yearly("c")),
  );
  const { stdout } = await burst(args);
  assertEquals(await names(), ["b", "by a call", "c"]);
  assertStringIncludes(
    stdout,
    'Schedule "a" removed: cron.ts no longer has it',
  );
  const kept = (await schedules.get("b"))!;
  assertEquals([kept.overlap, kept.paused], ["skip", true]);
});

Deno.test("two versions of a file: what has started last decides, and the other one changes nothing", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using schedules = new Schedules({ connection: bench.client });
  const names = async () => (await schedules.all()).map(({ name }) => name);
  using project = projectOf(yearly("old"));
  const file = join(project.path, "cron.ts");
  await using old = await scheduling(redis.url, file);
  project.write("cron.ts", fileOf(yearly("young")));
  await using _young = await scheduling(redis.url, file);
  assertEquals(await names(), ["young"]);
  assert(!old.stdout.includes("removed"), old.stdout);
});

Deno.test.each<[string, string[], string]>([
  ["throws", ['throw new Error("broken file");'], "broken file"],
  ["declares twice", [yearly("a"), yearly("a")], "is declared already"],
  [
    "declares what cannot be",
    ['cron("a", "soon", { func: "jobs.add" });'],
    "it has 1 field",
  ],
  ["cannot be parsed", ["cron("], "cron.ts"],
  [
    "names no function",
    ["cron('a', '* * * * *', { func: () => {} });"],
    "Cannot",
  ],
])(
  "a file that %s: the worker does not start, and nothing is changed",
  async (_what, lines, text) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    await using schedules = new Schedules({ connection: bench.client });
    using project = projectOf(yearly("kept"));
    const file = join(project.path, "cron.ts");
    const flags = ["--url", redis.url, ...jobFlags()];
    await burst(["low", "--cron", file, ...flags]);
    project.write("cron.ts", fileOf(...lines));
    for (const args of [["cron", file], ["low", "--cron", file]]) {
      await using program = new WorkerProcess([...args, ...flags]);
      const { code, stderr } = await program.ended();
      assertEquals(code, 1);
      assertStringIncludes(stderr, text);
    }
    assertEquals((await schedules.all()).map(({ name }) => name), ["kept"]);
  },
);

Deno.test.each<[string[], string]>([
  [["cron"], "cron needs one file"],
  [["cron", "a.ts", "b.ts"], "cron needs one file"],
  [["cron", "cron.ts", "--burst"], "Unknown flag --burst"],
  [["cron", "cron.ts", "--queues", "low"], "Unknown flag --queues"],
  [["cron", "cron.ts", "--job-allow-net"], "Unknown flag --job-allow-net"],
])(
  "a mistake on the command line of cron ends with 2: %j",
  async (args, text) => {
    await using program = new WorkerProcess(args);
    const { code, stderr } = await program.ended();
    assertEquals(code, 2);
    assertStringIncludes(stderr, text);
  },
);

Deno.test("a file that there is not: the worker does not start", async () => {
  await using redis = await RedisServer.start();
  const { code, stderr } = await burst([
    ...["low", "--url", redis.url, "--cron", join(JOBS, "none.ts")],
  ]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "there is no such file");
});
