/**
 * The project's tasks: `deno task NAME` runs `.ci/task.ts NAME`.
 *
 * It finds out where packages come from, gives the task a Redis of its own, hands on
 * further arguments, and ends with the task's exit code.
 *
 * @module
 */

import { runDeno, say } from "./deno.ts";
import { importFlags } from "./jsr.ts";
import { conclude, ok } from "./ok.ts";
import { dryRun } from "./publish.ts";
import { ensurePythons } from "./python.ts";
import { ensureRedisServer, openRedis } from "./redis.ts";
import { needsPython, testArgs, testEnv } from "./tests.ts";

/** Runs with the arguments after its name, and returns the exit code. */
type Task = (args: readonly string[]) => Promise<number>;

const TASKS: Readonly<Record<string, Task>> = {
  bench: (args) => runPrograms(["tests/bench/bench.ts", ...args]),
  compile,
  demo: (args) =>
    runPrograms(["examples/demo.ts", ...args], ["worker.ts", "info"]),
  ok: runOk,
  "publish:dry": publishDry,
  readme,
  test: runTests,
};

/** Runs the task that is named first. */
async function main([name = "", ...args]: readonly string[]): Promise<number> {
  const task = Object.hasOwn(TASKS, name) ? TASKS[name] : undefined;
  if (task === undefined) {
    const names = Object.keys(TASKS).join(", ");
    throw new Error(`Cannot run task "${name}": there are ${names}`);
  }
  Deno.chdir(new URL("..", import.meta.url));
  return await task(args);
}

/** Runs programs with their arguments one after the other, on one Redis, up to the first that fails. */
async function runPrograms(
  ...programs: readonly (readonly string[])[]
): Promise<number> {
  const flags = await importFlags();
  await using redis = await openRedis();
  const env = { REDIS_URL: redis.url };
  for (const program of programs) {
    const code = await runDeno(["run", "--allow-all", ...flags, ...program], {
      env,
    });
    if (code !== 0) return code;
  }
  return 0;
}

async function runTests(args: readonly string[]): Promise<number> {
  const flags = await importFlags();
  // Tests start servers of their own, also where `REDIS_URL` names one.
  await ensureRedisServer();
  const pythons = await ensurePythons({ install: needsPython(args) });
  await using redis = await openRedis();
  const env = { ...testEnv(redis.url, args), ...pythons };
  return await runDeno(testArgs(flags, args), { env });
}

/** Whoever reads the last line finds the counts there, also where the checks cannot begin. */
async function runOk(args: readonly string[]): Promise<number> {
  try {
    const flags = await importFlags();
    await ensureRedisServer();
    const pythons = await ensurePythons();
    await using redis = await openRedis();
    return await ok(flags, args, { ...testEnv(redis.url, args), ...pythons });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    say(`Cannot run the checks: ${error.message}`);
    return conclude({ passed: 0, failed: 1, skipped: [] });
  }
}

async function compile(args: readonly string[]): Promise<number> {
  const flags = await importFlags();
  const output = ["--output", "rq-worker"];
  return await runDeno(
    ["compile", "--allow-all", ...flags, ...output, ...args, "worker.ts"],
  );
}

/** Runs in a process of its own: this one may lack the import map that the library needs. */
async function readme(): Promise<number> {
  const flags = await importFlags();
  return await runDeno(["run", "--allow-all", ...flags, ".ci/readme.ts"]);
}

async function publishDry(): Promise<number> {
  const { name, success, output } = await dryRun(await importFlags());
  say(`${output}${name} ... ${success ? "ok" : "FAILED"}`);
  return success ? 0 : 1;
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main(Deno.args);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    say(error.message);
    Deno.exitCode = 1;
  }
}
