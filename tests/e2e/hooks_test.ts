/** Middleware and exception handlers, which run in the processes of jobs. */

import { assertEquals, assertMatch } from "@std/assert";
import { jobFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Bench, burst, WorkerProcess } from "./support.ts";

const MIDDLEWARE = ["--middleware=./hooks.ts", "--middleware=hooks.inner"];
const HANDLERS = ["note", "breaks", "last"].map((name) =>
  `--exception-handler=./hooks.ts#${name}`
);

Deno.test.each([
  [["--isolation=process"]],
  [["--isolation=reuse"]],
  [["--isolation=shared"]],
  [["--job-allow-none"]],
  [["--isolation=shared", "--job-allow-none"]],
])(
  "with %j, middleware runs around jobs, the first one outermost",
  async (flags) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    const queue = bench.queue("low");
    const job = await queue.enqueue("hooks.greet", "a");
    await burst([
      ...["low", "--url", redis.url, ...MIDDLEWARE, ...flags, ...jobFlags()],
    ]);
    assertEquals(
      await job.wait({ timeout: 5 }),
      'outer(inner(a [outer hooks.greet ["a"], inner 1 true]))',
    );
  },
);

Deno.test("a middleware may take the job's place, translate its error, and call it once", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const queue = bench.queue("low");
  const call = { func: "hooks.greet", args: ["a"] } as const;
  const [skipped, twice, translated] = await queue.enqueueMany([
    { ...call, meta: { skip: true } },
    { ...call, meta: { twice: true } },
    { func: "hooks.fail", args: ["x"], meta: { translate: true } },
  ]);
  await burst(["low", "--url", redis.url, ...MIDDLEWARE, ...jobFlags()]);
  assertEquals(await skipped.result(), "outer(skipped)");
  assertMatch(`${await twice.excInfo()}`, /^Error: Cannot call next\(\)/);
  assertMatch(
    `${await translated.excInfo()}`,
    /^TypeError: translated\n[^]*Error: x/,
  );
});

Deno.test.each([["process"], ["shared"]])(
  "with isolation %s, exception handlers are called for each failure, in their order",
  async (isolation) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    const queue = bench.queue("low");
    const notes: Record<string, unknown> = {};
    const jobs = await queue.enqueueMany([
      { func: "hooks.fail", args: ["x"], retry: 1 },
      { func: "hooks.fail", args: ["y"], meta: { stop: true } },
      { func: "hooks.fail", args: ["map"] },
      { func: "hooks.fail", args: ["again"] },
      { func: "hooks.fail", args: ["never"], retry: 3 },
      { func: "hooks.none" },
      { func: "throws_at_import.f" },
      { func: "hooks.fail", args: ["later"] },
    ]);
    const args = ["low", "--url", redis.url, "--isolation", isolation];
    const { stderr } = await burst([...args, ...HANDLERS, ...jobFlags()]);
    for (const job of jobs) {
      await job.refresh();
      assertEquals(await job.getStatus(), "failed");
      const { noted = [], last } = job.meta;
      const short = (noted as string[]).map((text) =>
        text.replace(/file:.*\/(.*): the module.*/, "$1")
      );
      notes[`${job.funcName} ${job.args}`] = [...short, last];
    }
    const { "throws_at_import.f ": atImport, ...others } = notes;
    assertMatch(String(atImport), /^1 Error: .*,true$/);
    assertEquals(others, {
      "hooks.fail x": ["1 Error: x", "2 Error: x", true],
      "hooks.fail y": ["1 Error: y", undefined],
      "hooks.fail map": [
        "1 TypeError: Cannot store result: Map is not JSON, store Object.fromEntries(map) or [...map]",
        true,
      ],
      "hooks.fail again": [undefined],
      "hooks.fail never": ["1 RangeError: for good", true],
      "hooks.none ": [
        '1 ImportError: Cannot find export "none" of hooks.ts',
        true,
      ],
      "hooks.fail later": ["1 Error: in a timer", true],
    });
    assertMatch(
      stderr,
      /exception handler has failed for job .*handler is broken/,
    );
  },
);

Deno.test("a job whose function has ended does not sleep, however long exception handlers take", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const queue = bench.queue("low");
  const [fails, returns] = await queue.enqueueMany([
    { func: "hooks.besideSleep", args: ["fails"] },
    { func: "hooks.besideSleep", args: ["returns"] },
  ]);
  const handler = "--exception-handler=./hooks.ts#slow";
  await burst(["low", "--url", redis.url, handler, ...jobFlags()]);
  assertEquals(
    [await fails.getStatus(), await returns.getStatus()],
    ["failed", "finished"],
  );
});

Deno.test("middleware spans a stream to its end, and begins anew when a job that has slept goes on", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const queue = bench.queue("low");
  const [nap, stream] = await queue.enqueueMany([
    { func: "hooks.naps" },
    { func: "hooks.parts" },
  ]);
  await using _worker = await WorkerProcess.listening([
    ...["low", "--url", redis.url, "--middleware=hooks.around", ...jobFlags()],
  ]);
  const found: unknown[] = [];
  for (const job of [nap, stream]) {
    const result = await job.wait({ timeout: 60 });
    await job.refresh();
    found.push([result, job.meta["trail"]]);
  }
  assertEquals(found, [
    ["done", ["begin", "before", "begin", "after", "end"]],
    ["done", ["begin", "between", "end"]],
  ]);
  assertEquals(await Array.fromAsync(stream.stream()), ["a", "b"]);
});

Deno.test("a worker whose middleware cannot be loaded does not start, and takes no job", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("hooks.greet", "a");
  for (
    const [name, why] of [
      [
        "./broken_hook.ts",
        "Cannot load file:.*broken_hook.ts: .*broken at import",
      ],
      ["./hooks.ts#none", 'export "none" is no function'],
    ]
  ) {
    const { code, stderr } = await burst([
      ...["low", "--url", redis.url, "--middleware", name!, ...jobFlags()],
    ]);
    assertEquals(code, 1, stderr);
    assertMatch(stderr, new RegExp(`Cannot start the worker: .*${why}`));
  }
  assertEquals(await job.getStatus(), "queued");
});
