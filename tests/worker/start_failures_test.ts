/** No process can be started for jobs: that is the machine's fault, and nothing of it is a job's. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { CannotStartError, Worker, type WorkerOptions } from "../../worker.ts";
import { Bench, JOBS, WorkerProcess } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";

const REASON = "error: JSR package manifest for '@std/x' failed to load";

/**
 * A program that starts once, as is asked for before a worker begins, and then cannot run anything as long as there
 * is a file beside it.
 */
async function unstartable(): Promise<{ path: string; mend(): Promise<void> }> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/deno`;
  await Deno.writeTextFile(`${folder}/broken`, "");
  await Deno.writeTextFile(
    path,
    `#!/bin/sh
if mkdir ${folder}/asked 2>/dev/null; then
  :
elif [ -e ${folder}/broken ]; then
  echo "Download something" >&2
  echo "${REASON}" >&2
  exit 127
fi
exec "${Deno.execPath()}" "$@"
`,
    { mode: 0o755 },
  );
  return { path, mend: () => Deno.remove(`${folder}/broken`) };
}

/** A worker in burst mode with three jobs, and the lines that it logs at the level of errors. */
async function stage(options: WorkerOptions) {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await RedisServer.start());
  const bench = stack.use(new Bench(redis.url));
  const { path: execPath, mend } = await unstartable();
  stack.defer(() =>
    Deno.remove(execPath.replace(/\/deno$/, ""), { recursive: true })
  );
  const queue = bench.queue("low");
  const jobs = await queue.enqueueMany(
    [1, 2, 3].map((n) => ({ func: "jobs.add", args: [n, n] })),
  );
  const errors: string[] = [];
  const failed = Promise.withResolvers<void>();
  const worker = new Worker("low", {
    connection: redis.url,
    burst: true,
    paths: [JOBS],
    execPath,
    log: {
      ...{ debug() {}, info() {}, warn() {} },
      error: (text) => {
        errors.push(text);
        failed.resolve();
      },
    },
    ...options,
  });
  return {
    bench,
    queue,
    jobs,
    worker,
    errors,
    failed: failed.promise,
    execPath,
    mend,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

for (const isolation of ["process", "reuse", "shared"] as const) {
  Deno.test(`${isolation}: a worker that cannot start any process for too long ends with the reason, and its jobs are as they were`, async () => {
    await using at = await stage({
      isolation,
      concurrency: 2,
      startPatience: 1,
    });
    const error = await assertRejects(
      () => at.worker.work(),
      CannotStartError,
    );
    assertMatch(
      error.message,
      /^Cannot run jobs: none could be begun for \d+ s/,
    );
    assertMatch(error.message, /failed to load/);
    assertEquals(at.errors.length, 1, at.errors.join("\n"));
    assertMatch(at.errors[0]!, /failed to load.*jobs are put back/);
    assertEquals(await at.queue.jobIds(), at.jobs.map(({ id }) => id));
    for (const { id } of at.jobs) {
      const key = `rq:job:${id}`;
      assertEquals(await at.bench.field(key, "status"), "queued");
      assertEquals(await at.bench.field(key, "started_at"), null);
      assertEquals(await at.bench.field(key, "x_attempts"), null);
      assertEquals(await at.bench.field(key, "x_abandoned"), null);
    }
    const counts = await at.bench.client.send("ZCARD", ["rq:wip:low"]);
    assertEquals(counts, 0);
  });
}

Deno.test("a worker program that cannot start any process for too long ends with exit code 1 and one line that says why", async () => {
  await using at = await stage({});
  await using worker = new WorkerProcess([
    ...["--queues", "low", "--url", at.bench.client.url],
    ...["--deno", at.execPath],
    ...["--start-patience", "1"],
  ]);
  const { code } = await worker.ended({ timeout: 60_000 });
  assertEquals(code, 1, worker.stderr);
  const last = worker.stderr.trim().split("\n").at(-1)!;
  assertMatch(
    last,
    /Cannot run jobs: none could be begun for \d+ s.*failed to load/,
  );
  assertEquals(await at.queue.jobIds(), at.jobs.map(({ id }) => id));
});

Deno.test("jobs run once processes can be started again, in their order and as if nothing had been", async () => {
  await using at = await stage({ isolation: "reuse" });
  const working = at.worker.work();
  await at.failed;
  await at.mend();
  assertEquals(await working, 3);
  const results = await Promise.all(at.jobs.map((job) => job.result()));
  assertEquals(results, [2, 4, 6]);
  for (const { id } of at.jobs) {
    assertEquals(await at.bench.field(`rq:job:${id}`, "x_attempts"), null);
  }
});

Deno.test("a worker that waits for processes leaves at once when it is told to", async () => {
  await using at = await stage({ burst: false });
  const working = at.worker.work();
  await at.failed;
  at.worker.stop();
  assertEquals(await working, 0);
  assertEquals(await at.queue.jobIds(), at.jobs.map(({ id }) => id));
});
