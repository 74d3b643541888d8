import { assertEquals, assertMatch } from "@std/assert";
import { Queue } from "../../mod.ts";
import { ROOT } from "../support/paths.ts";
import { PackageServer } from "../support/package_server.ts";
import { Program } from "../support/processes.ts";
import { Project } from "../support/project.ts";
import { RedisServer } from "../support/redis_server.ts";

const WORKER = "jsr:@deno-rq/rq/worker";

/** A Deno cache that is empty except for packages from npm. */
async function emptyCache(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-config"],
  }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout));
  const cache = await Deno.makeTempDir();
  await Deno.symlink(npmCache, `${cache}/npm`);
  return cache;
}

function spawnDeno(
  args: readonly string[],
  options: { readonly cwd: string; readonly env: Record<string, string> },
): Program {
  return new Program(
    new Deno.Command(Deno.execPath(), {
      ...options,
      args: [...args],
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
}

/** Waits for a process to end; kills it after 20 seconds. */
async function endOf(program: Program): Promise<number> {
  const patience = setTimeout(() => program.kill("SIGKILL"), 20_000);
  const { code } = await program.status;
  clearTimeout(patience);
  return code;
}

async function expectSuccess(program: Program): Promise<void> {
  await using running = program;
  assertEquals(await endOf(running), 0, running.stderr);
}

/** Like a container image: the package is cached, and then the registry is gone. */
async function cachedWorker(cwd: string): Promise<Record<string, string>> {
  await using server = await PackageServer.start();
  const env = { ...server.env, DENO_DIR: await emptyCache() };
  const args = ["cache", "--quiet", "--no-lock", WORKER];
  await expectSuccess(spawnDeno(args, { cwd, env }));
  return env;
}

Deno.test.each([
  {
    what: "in processes of their own",
    files: { "deno.json": "{}" },
    flags: [],
  },
  {
    what: "without any permission",
    files: { "deno.json": "{}" },
    flags: ["--job-allow-none"],
  },
  {
    what: "side by side",
    files: { "deno.json": "{}" },
    flags: ["--isolation=shared"],
  },
  {
    what: "of a project whose lock file does not know the package",
    files: {
      "deno.json": "{}",
      "deno.lock": '{ "version": "5" }',
    },
    flags: [],
  },
  {
    what: "of such a project without any permission",
    files: {
      "deno.json": "{}",
      "deno.lock": '{ "version": "5" }',
    },
    flags: ["--job-allow-none"],
  },
  {
    what: "of a pool",
    command: ["worker-pool", "-n", "1"],
    files: {
      "deno.json": '{ "lock": { "frozen": true } }',
      "deno.lock": '{ "version": "5" }',
    },
    flags: [],
  },
])(
  "a worker whose modules are cached runs jobs $what, without a registry",
  async ({ files, flags, command = [] }) => {
    using project = new Project({
      ...files,
      "jobs/a.ts": "export const twice = (n: number) => 2 * n;",
    });
    const cwd = project.path;
    const env = await cachedWorker(cwd);
    try {
      await using redis = await RedisServer.start();
      await using queue = new Queue("low", { connection: redis.url });
      const job = await queue.enqueue("jobs.a.twice", 21);
      const own = ["run", "-A", "--no-lock", "--cached-only", WORKER];
      await using worker = spawnDeno(
        [...own, ...command, "--burst", "--url", redis.url, ...flags, "low"],
        { cwd, env },
      );
      assertEquals(await endOf(worker), 0, worker.stderr);
      assertEquals(await job.excInfo(), null);
      assertEquals(await job.result(), 42);
      const lock = `${cwd}/deno.lock`;
      if ("deno.lock" in files) {
        assertEquals(await Deno.readTextFile(lock), files["deno.lock"]);
      }
    } finally {
      await Deno.remove(env["DENO_DIR"]!, { recursive: true });
    }
  },
);

Deno.test("a lock file of the project that refuses a job's package is told by Deno's own words", async () => {
  using project = new Project({
    "deno.json": "{}",
    "deno.lock": '{ "version": "5" }',
    "jobs/a.ts":
      'import ms from "npm:ioredis@^6.0.0"; export const run = () => typeof ms;',
  });
  const cwd = project.path;
  const env = await cachedWorker(cwd);
  try {
    await using redis = await RedisServer.start();
    await using queue = new Queue("low", { connection: redis.url });
    const job = await queue.enqueue("jobs.a.run");
    const own = ["run", "-A", "--no-lock", WORKER];
    await using worker = spawnDeno(
      [...own, "--burst", "--url", redis.url, "low"],
      { cwd, env },
    );
    assertEquals(await endOf(worker), 0, worker.stderr);
    assertEquals(await job.getStatus(), "failed");
    assertMatch(await job.excInfo() ?? "", /The lockfile is out of date/);
  } finally {
    await Deno.remove(env["DENO_DIR"]!, { recursive: true });
  }
});

Deno.test.each([
  ["its specifier", "jsr:@deno-rq/rq@0.1.0/child", "5"],
  [
    "its specifier, with an older lock file",
    "jsr:@deno-rq/rq@0.1.0/child",
    "4",
  ],
  ["the URL of its file", "@/lib/runner/child.ts", "5"],
])(
  "a subprocess can be loaded from a registry by %s, though the project's lock file does not know it",
  async (_, url, version) => {
    const lock = JSON.stringify({ version });
    using project = new Project({
      "deno.json": "{}",
      "deno.lock": lock,
      "a.ts": "export default () => 42;",
    });
    const cwd = project.path;
    await using server = await PackageServer.start();
    const env = { ...server.env, DENO_DIR: await emptyCache() };
    const childUrl = url.replace(/^@\//, server.home);
    const cache = ["cache", "--quiet", "--no-lock", "--no-config", childUrl];
    await expectSuccess(spawnDeno(cache, { cwd, env }));
    const program = `${ROOT}/tests/runner/fixtures/of_registry.ts`;
    const run = ["run", "-A", "--no-lock", "--no-config", program];
    await using runner = spawnDeno([...run, childUrl, "a.ts#default"], {
      cwd,
      env,
    });
    assertEquals(await endOf(runner), 0, runner.stderr);
    assertEquals(runner.stdout, "42\n");
    assertEquals(await Deno.readTextFile(`${cwd}/deno.lock`), lock);
    await Deno.remove(env.DENO_DIR, { recursive: true });
  },
);
