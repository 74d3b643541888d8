import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { CallRefusedError } from "../../lib/redis/redis_client.ts";
import { Bench, WorkerProcess } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { noise } from "./jobs/large.ts";
import { fromFileUrl } from "../support/paths.ts";

const JOBS = fromFileUrl(new URL("./jobs", import.meta.url));
const TOO_LARGE = 10 << 20;

/** Servers that refuse what is too large, and the errors. */
const SERVERS = [
  {
    what: "takes no large values",
    args: ["--proto-max-bulk-len", "1mb"],
    words: /of [\d,]{9,10} bytes .*ERR Protocol error: invalid bulk length/,
  },
  {
    what: "takes no large calls",
    args: ["--client-query-buffer-limit", "1mb"],
    words: /of [\d,]{9,10} bytes .*client-query-buffer-limit is 1,048,576/,
  },
  {
    what: "hangs up without a word",
    args: [
      ...["--client-query-buffer-limit", "1mb"],
      ...["--rename-command", "CONFIG", ""],
    ],
    words: /of [\d,]{9,10} bytes .*lost each of the 3 times/,
  },
] as const;

/** A worker over such a server. */
async function start(args: readonly string[]) {
  const redis = await RedisServer.start({ args });
  const worker = await WorkerProcess.listening(
    ["low", "--url", redis.url, "--isolation", "shared", "--concurrency", "8"],
    { cwd: JOBS },
  );
  return { redis, worker, bench: new Bench(redis.url) };
}

Deno.test.each([...SERVERS])(
  "a result that is too large for a Redis that $what fails its job with the reason and harms no other",
  async ({ args, words }) => {
    const { redis, worker, bench } = await start(args);
    await using _redis = redis;
    await using _worker = worker;
    await using _bench = bench;
    const low = bench.queue("low");
    const jobs = await low.enqueueMany(
      [10, TOO_LARGE, 20, TOO_LARGE, 30].map((length) => ({
        func: "large.text",
        args: [length],
      })),
    );
    for (const [i, job] of jobs.entries()) {
      await bench.hasStatus(job.id, i % 2 === 0 ? "finished" : "failed");
    }
    const error = await assertRejects(() => jobs[1]!.wait({ timeout: 60 }));
    assertMatch(String(error), words);
    assertMatch(worker.stdout + worker.stderr, words);
    worker.kill("SIGTERM");
    assertEquals((await worker.ended({ timeout: 15_000 })).code, 0);
  },
);

Deno.test.each([...SERVERS])(
  "what a job asks to have stored and is too large for a Redis that $what is refused to the job",
  async ({ args, words }) => {
    const { redis, worker, bench } = await start(args);
    await using _redis = redis;
    await using _worker = worker;
    await using _bench = bench;
    for (const func of ["large.meta", "large.progress", "large.followUp"]) {
      const job = await bench.queue("low").enqueue(func, TOO_LARGE);
      assertMatch(String(await job.wait({ timeout: 60 })), words, func);
    }
  },
);

Deno.test.each([...SERVERS])(
  "jobs that are too large for a Redis that $what are refused to who enqueues them, those beside them are not",
  async ({ args, words }) => {
    await using redis = await RedisServer.start({ args });
    await using bench = new Bench(redis.url);
    const low = bench.queue("low");
    const large = noise(TOO_LARGE);
    const error = await assertRejects(
      () => low.enqueue("large.text", large),
      CallRefusedError,
    );
    assertMatch(error.message, words);
    const func = "large.text";
    const described = await assertRejects(
      () => low.enqueueCall({ func, description: large }),
      CallRefusedError,
    );
    assertMatch(described.message, words);
    const many = [1, large, 2, 3].map((arg) => ({ func, args: [arg] }));
    const some = await assertRejects(
      () => low.enqueueMany(many),
      AggregateError,
    );
    assertEquals(some.errors.length, 1);
    assert(some.errors[0] instanceof CallRefusedError);
    assertMatch(some.errors[0].message, words);
    assertEquals(await low.count(), 3);
  },
);

Deno.test.each([...SERVERS])(
  "jobs that depend on one that shares a call with one too large for a Redis that $what are enqueued with it",
  async ({ args }) => {
    await using redis = await RedisServer.start({ args });
    await using bench = new Bench(redis.url);
    const low = bench.queue("low");
    const func = "large.text";
    const calls = [
      { func, jobId: "a", args: [1] },
      { func, jobId: "large", args: [noise(TOO_LARGE)] },
      { func, jobId: "b", dependsOn: "a" },
      { func, jobId: "c", dependsOn: ["a", "b"] },
      { func, jobId: "d", dependsOn: "large" },
    ];
    const error = await assertRejects(
      () => low.enqueueMany(calls),
      AggregateError,
    );
    const names = error.errors.map(({ name }) => name);
    assertEquals(names, ["CallRefusedError", "NoSuchJobError"]);
    assertEquals(await low.jobIds(), ["a"]);
    for (const id of ["b", "c"]) {
      assertEquals(await bench.field(`rq:job:${id}`, "status"), "deferred");
    }
  },
);

Deno.test("a worker leaves on a signal while Redis does not take a result", async () => {
  const { redis, worker, bench } = await start(SERVERS[2].args);
  await using _redis = redis;
  await using _worker = worker;
  await using _bench = bench;
  const job = await bench.queue("low").enqueue("large.text", TOO_LARGE);
  await worker.waitForOutput(/Lost the connection to Redis/);
  worker.kill("SIGTERM");
  assertEquals((await worker.ended({ timeout: 15_000 })).code, 0);
  await bench.hasStatus(job.id, "failed");
});
