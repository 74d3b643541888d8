/** Pools of workers, as real processes. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { poolFlags } from "../support/deno_flags.ts";
import { childrenOf, isAlive } from "../support/proc.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Bench, Ledger, WorkerProcess } from "./support.ts";

/** A server, a client on it, and pools. */
class Stage implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly bench: Bench;
  readonly ledger = new Ledger();
  readonly gate: string = `${this.ledger.path}.gate`;
  readonly #stack = new AsyncDisposableStack();

  private constructor(redis: RedisServer) {
    this.redis = this.#stack.use(redis);
    this.bench = this.#stack.use(new Bench(redis.url));
    this.#stack.use(this.ledger);
    this.#stack.defer(() => Deno.remove(this.gate).catch(() => {}));
  }

  static async open(): Promise<Stage> {
    return new Stage(await RedisServer.start());
  }

  /** Starts a pool called `pool`. */
  pool(...args: string[]): WorkerProcess {
    return this.start({}, ...args);
  }

  /** Starts one with variables of the environment. */
  start(env: Record<string, string>, ...args: string[]): WorkerProcess {
    return this.#stack.use(
      new WorkerProcess([
        ...["worker-pool", "low", "--name", "pool", "--url", this.redis.url],
        ...poolFlags(),
        ...args,
      ], { env }),
    );
  }

  /** The numbers of the pool's workers that are registered, in order. */
  async workers(): Promise<number[]> {
    const keys = await this.bench.client.send("SMEMBERS", ["rq:workers"]);
    return (keys as string[])
      .flatMap((key) => /^rq:worker:pool\.(\d+)$/.exec(key)?.[1] ?? [])
      .map(Number).sort((a, b) => a - b);
  }

  /** Waits until these workers of the pool are registered, and no others. */
  async have(...numbers: number[]): Promise<void> {
    await waitForEqual(() => this.workers(), numbers);
  }

  /** The process id of one of the pool's workers. */
  async pid(number: number): Promise<number> {
    return Number(await this.bench.field(`rq:worker:pool.${number}`, "pid"));
  }

  /** Enqueues jobs that run until `open()`; waits until they do. */
  async runBlocked(count: number) {
    const queue = this.bench.queue("low");
    const jobs = [];
    for (let i = 0; i < count; i++) {
      jobs.push(
        await queue.enqueue("jobs.waits", this.ledger.path, this.gate),
      );
    }
    await waitForEqual(() => this.ledger.lines().length, count);
    return jobs;
  }

  /** Lets blocked jobs end. */
  open(): void {
    Deno.writeTextFileSync(this.gate, "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

Deno.test("a pool runs jobs side by side, and SIGTERM lets them end before it leaves with 0", async () => {
  await using stage = await Stage.open();
  const pool = stage.pool("-n", "3");
  const jobs = await stage.runBlocked(3);
  await stage.have(1, 2, 3);
  pool.kill("SIGTERM");
  await pool.waitForOutput(/Warm shut down requested, stopping 3 workers/);
  assertEquals(await jobs[0]!.getStatus(), "started");
  stage.open();
  const { code, stdout, stderr } = await pool.ended();
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  assertMatch(stdout, /Starting worker pool pool with pid \d+\.\.\./);
  assertMatch(stdout, /All workers stopped, exiting\.\.\./);
  for (const job of jobs) assertEquals(await job.getStatus(), "finished");
  await stage.have();
});

Deno.test("a worker that dies is replaced, and its job runs again", async () => {
  await using stage = await Stage.open();
  const pool = stage.pool("-n", "2");
  await stage.have(1, 2);
  Deno.kill(await stage.pid(2), "SIGKILL");
  await pool.waitForOutput(/Worker pool\.2 with pid \d+ is dead \(SIGKILL\)/);
  await waitFor(async () => (await stage.workers()).includes(3));
  const job = await stage.bench.queue("low").enqueue("jobs.add", 1, 2);
  assertEquals(await job.wait({ timeout: 60 }), 3);
  pool.kill("SIGINT");
  assertEquals((await pool.ended()).code, 0);
});

Deno.test("a second signal kills the jobs of all workers and puts them back", async () => {
  await using stage = await Stage.open();
  const pool = stage.pool("-n", "2");
  const jobs = await stage.runBlocked(2);
  pool.kill("SIGTERM");
  await pool.waitForOutput(/Warm shut down requested, stopping/);
  await waitFor(() => {
    if (/\d Cold shut down/.test(pool.stdout)) return true;
    pool.kill("SIGTERM");
    return false;
  }, { interval: 150 });
  const { code, stdout } = await pool.ended();
  assertEquals(code, 0, stdout);
  for (const job of jobs) assertEquals(await job.getStatus(), "queued");
});

Deno.test("SIGHUP replaces the workers one after the other, and lets their jobs end", async () => {
  await using stage = await Stage.open();
  const pool = stage.pool("-n", "2");
  await stage.have(1, 2);
  const [job] = await stage.runBlocked(1);
  pool.kill("SIGHUP");
  // The one with the job stays until that has ended.
  await waitFor(async () => {
    const [first = 0, ...more] = await stage.workers();
    return first < 3 && String(more) === "3,4";
  });
  assertEquals(await job!.getStatus(), "started");
  stage.open();
  await stage.have(3, 4);
  await stage.bench.hasStatus(job!.id, "finished");
  pool.kill("SIGTERM");
  assertEquals((await pool.ended()).stderr, "");
});

Deno.test("a restart whose first worker fails leaves the others as they are", async () => {
  await using stage = await Stage.open();
  const pool = stage.pool("-n", "2");
  await stage.have(1, 2);
  // The name of the next one is taken.
  await using _other = await WorkerProcess.listening([
    ...["high", "--name", "pool.3", "--url", stage.redis.url],
  ]);
  pool.kill("SIGHUP");
  await pool.waitForOutput(/The new worker does not listen: the old ones stay/);
  await stage.have(1, 2, 3);
  pool.kill("SIGTERM");
  assertEquals((await pool.ended()).code, 0);
});

Deno.test("workers whose pool is killed finish what they run, and leave", async () => {
  await using stage = await Stage.open();
  const pool = stage.pool("-n", "2");
  const [job] = await stage.runBlocked(1);
  await stage.have(1, 2);
  const pids = [await stage.pid(1), await stage.pid(2)];
  pool.kill("SIGKILL");
  await waitFor(async () => (await stage.workers()).length === 1);
  assertEquals(await job!.getStatus(), "started");
  stage.open();
  await stage.have();
  assertEquals(await job!.getStatus(), "finished");
  await waitFor(() => !pids.some(isAlive));
});

Deno.test("a pool in burst mode leaves when all jobs have run, and starts no worker again", async () => {
  await using stage = await Stage.open();
  const queue = stage.bench.queue("low");
  const jobs = await queue.enqueueMany(
    Array.from({ length: 10 }, () => ({ func: "jobs.add", args: [1, 2] })),
  );
  const { code, stdout, stderr } = await stage.pool("--burst").ended();
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  assertEquals(stdout.match(/Spawned worker/g)?.length, 2);
  for (const job of jobs) assertEquals(await job!.getStatus(), "finished");
});

Deno.test("a pool whose workers cannot start at all ends with 1 and says so", async () => {
  await using stage = await Stage.open();
  const pool = stage.pool("--worker-deno-arg=--no-such-flag");
  const { code, stderr } = await pool.ended();
  assertEquals(code, 1);
  assertMatch(
    stderr,
    /Cannot run the worker pool: Worker pool\.\d with pid \d+ is dead \(code \d+\)\n$/,
  );
});

Deno.test("workers that leave by themselves are replaced, at once and for good", async () => {
  await using stage = await Stage.open();
  const pool = stage.pool("-n", "1", "--max-jobs", "1");
  const queue = stage.bench.queue("low");
  for (const n of [1, 2, 3]) {
    const job = await queue.enqueue("jobs.add", n, n);
    assertEquals(await job.wait({ timeout: 60 }), 2 * n);
  }
  await stage.have(4);
  assertEquals(pool.stderr, "");
  // Another program may tell a worker to leave.
  const command = JSON.stringify({ command: "shutdown" });
  const channel = "rq:pubsub:pool.4";
  await waitFor(async () =>
    Number(await stage.bench.client.send("PUBLISH", [channel, command])) > 0
  );
  await stage.have(5);
  pool.kill("SIGTERM");
  assertEquals((await pool.ended()).code, 0);
});

Deno.test("a file of settings is the pool's: its workers do not read it again", async () => {
  await using stage = await Stage.open();
  const settings = `${stage.ledger.path}.json`;
  const pid = `${stage.ledger.path}.pid`;
  await using _ = {
    [Symbol.asyncDispose]: () => Deno.remove(settings),
  };
  await Deno.writeTextFile(
    settings,
    JSON.stringify({
      REDIS_URL: "redis://127.0.0.1:1", // the flag comes first
      NUM_WORKERS: 3,
      PID: pid,
    }),
  );
  const pool = stage.pool("--config", settings);
  await stage.have(1, 2, 3);
  assertEquals(Number(await Deno.readTextFile(pid)), pool.pid);
  pool.kill("SIGTERM");
  assertEquals((await pool.ended()).code, 0);
  const again = stage.start({ RQ_CONFIG: settings });
  await stage.have(1, 2, 3);
  assertEquals(Number(await Deno.readTextFile(pid)), again.pid);
  again.kill("SIGTERM");
  assertEquals((await again.ended()).code, 0);
});

Deno.test("a pool grows while jobs wait, up to its bound", async () => {
  await using stage = await Stage.open();
  const pool = stage.pool("--autoscale", "1..3");
  await stage.have(1);
  await stage.runBlocked(3);
  await stage.have(1, 2, 3);
  assertMatch(pool.stdout, /Scaling from 1 to 2 workers/);
  assert(childrenOf(pool.pid).length >= 3);
  stage.open();
  pool.kill("SIGTERM");
  assertEquals((await pool.ended()).code, 0);
});

Deno.test("--watch replaces workers when a module changes, and what follows runs the new code", async () => {
  await using stage = await Stage.open();
  const project = await Deno.makeTempDir({ prefix: "rq-watched-" });
  await using _ = {
    [Symbol.asyncDispose]: () => Deno.remove(project, { recursive: true }),
  };
  const write = (version: number) =>
    Deno.writeTextFile(
      `${project}/tasks.ts`,
      `export function version() { return ${version}; }`,
    );
  await write(1);
  const pool = stage.pool(
    ...["-n", "1", "--watch", "--isolation", "reuse", "--path", project],
  );
  await stage.have(1);
  const queue = stage.bench.queue("low");
  const version = async () =>
    await (await queue.enqueue("tasks.version")).wait({ timeout: 60 });
  assertEquals(await version(), 1);
  await write(2);
  await pool.waitForOutput(/The code has changed/);
  await waitFor(async () => !(await stage.workers()).includes(1));
  assertEquals(await version(), 2);
  pool.kill("SIGTERM");
  assertEquals((await pool.ended()).code, 0);
});
