/** A pool on a terminal. */

import { assertEquals } from "@std/assert";
import { poolFlags, runFlags } from "../support/deno_flags.ts";
import { ROOT } from "../support/paths.ts";
import { isAlive } from "../support/proc.ts";
import { Program } from "../support/processes.ts";
import { RedisServer } from "../support/redis_server.ts";
import { testUnless } from "../support/skip.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { Bench, JOBS, Ledger } from "./support.ts";

/** Why there is no terminal. */
function noTerminal(): string | undefined {
  try {
    new Deno.Command("script", { args: ["--version"] }).outputSync();
    return undefined;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "there is no program called script";
  }
}

/** A pool of one worker on a terminal, that runs a job until `open()`. */
async function busyPool() {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await RedisServer.start());
  const bench = stack.use(new Bench(redis.url));
  const ledger = stack.use(new Ledger());
  const gate = `${ledger.path}.gate`;
  stack.defer(() => Deno.remove(gate).catch(() => {}));
  const words = [
    ...[Deno.execPath(), "run", "--quiet", "-A", ...runFlags()],
    ...[`${ROOT}/worker.ts`, "worker-pool", "low", "-n", "1"],
    ...["--name", "pool", "--url", redis.url, ...poolFlags()],
  ];
  const process = new Deno.Command("script", {
    args: ["-qefc", `exec ${words.join(" ")}`, "/dev/null"],
    cwd: JOBS,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const terminal = stack.use(new Program(process));
  const keys = process.stdin.getWriter();
  stack.defer(() => keys.close().catch(() => {})); // with the terminal gone
  const job = await bench.queue("low").enqueue(
    "jobs.waits",
    ledger.path,
    gate,
  );
  await waitFor(() => ledger.lines().length === 1);
  const pid = Number(await bench.field("rq:worker:pool.1", "pid"));
  return {
    ...{ bench, terminal, job, pid },
    type: (text: string) => keys.write(new TextEncoder().encode(text)),
    open: () => Deno.writeTextFile(gate, ""),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const reason = noTerminal();

testUnless(
  reason,
  "Ctrl-C reaches the workers of a pool once, so that their jobs end",
  async () => {
    await using pool = await busyPool();
    const { bench, job, terminal, pid } = pool;
    await pool.type("\x03");
    await terminal.waitForOutput(/\d Warm shut down requested\r?\n/);
    assertEquals(await job.getStatus(), "started");
    await pool.open();
    await bench.hasStatus(job.id, "finished");
    assertEquals((await terminal.status).code, 0);
    assertEquals(isAlive(pid), false);
  },
);

testUnless(
  reason,
  "the end of the terminal stops a pool, and lets its jobs end",
  async () => {
    await using pool = await busyPool();
    const { bench, job, terminal, pid } = pool;
    terminal.kill("SIGKILL");
    await waitFor(() => !isAlive(terminal.pid));
    assertEquals(await job.getStatus(), "started");
    await pool.open();
    await bench.hasStatus(job.id, "finished");
    await waitFor(() => !isAlive(pid));
    // The pool is gone too: it has started no other worker.
    const workers = () => bench.client.send("SMEMBERS", ["rq:workers"]);
    await waitForEqual<unknown>(workers, [], { timeout: 20_000 });
  },
);
