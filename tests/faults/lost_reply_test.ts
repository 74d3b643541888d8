/** The connection is cut after Redis has executed a batch and before the worker gets the reply. */

import { assert, assertEquals } from "@std/assert";
import { Group } from "../../mod.ts";
import { Bench, Ledger, logLines, WorkerProcess } from "../e2e/support.ts";
import { assertWindows, startsOf } from "../e2e/windows.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { ReplyLoser } from "./reply_loser.ts";
import { assertDrained } from "./support.ts";

Deno.test.each([
  { kept: "kept", resultTtl: 500, atOnce: 100, total: 800, losses: 8 },
  { kept: "not kept", resultTtl: 0, atOnce: 100, total: 800, losses: 8 },
  { kept: "kept", resultTtl: 500, atOnce: 1, total: 100, losses: 10 },
  { kept: "not kept", resultTtl: 0, atOnce: 1, total: 100, losses: 10 },
])(
  "replies that are lost cost nothing, shared, $atOnce at once, results $kept",
  async ({ resultTtl, atOnce, total, losses }) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    await using proxy = new ReplyLoser(redis.port, losses);
    using ledger = new Ledger();
    const jobs = Array.from({ length: total }, (_, n) => `job-${n}`);
    await bench.queue("low").enqueueMany(jobs.map((jobId) => ({
      func: "jobs.note",
      args: [ledger.path, jobId],
      jobId,
      resultTtl,
    })));
    const flags = ["--isolation", "shared", "--concurrency", String(atOnce)];
    await using worker = await WorkerProcess.listening([
      ...["low", "--name", "w1", "--url", proxy.url, ...flags],
    ]);
    const done = () => bench.field("rq:worker:w1", "successful_job_count");
    let seen: string | null = null;
    await waitFor(async () => (seen = await done()) === String(total), {
      message: () => `${total} jobs to be counted, ${seen} are`,
    });
    assert(proxy.lost > 1, `${proxy.lost} replies were lost`);
    assertEquals(ledger.counts(), new Map(ledger.lines().map((id) => [id, 1])));
    assertEquals(ledger.lines().toSorted(), jobs.toSorted());
    const results = await Promise.all(
      jobs.map((id) => bench.client.send("XLEN", [`rq:results:${id}`])),
    );
    assertEquals(results, Array(total).fill(resultTtl === 0 ? 0 : 1));
    await assertDrained(bench, ["low"]);
    worker.kill("SIGTERM");
    await worker.ended();
    const log = logLines(worker.stdout);
    const ok = log.filter((line) => line.startsWith("low: Job OK"));
    const odd = log.filter((line) =>
      /Lease lost|was deleted|rror/.test(line) &&
      !line.startsWith("Lost the connection") // in the system's words, "os error 32" among them
    );
    assertEquals([odd.slice(0, 3), ok.length], [[], total]);
  },
);

Deno.test.each([{ atOnce: 1 }, { atOnce: 20 }])(
  "a failure whose reply is lost is one attempt, and one retry, $atOnce at once",
  async ({ atOnce }) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    await using proxy = new ReplyLoser(redis.port, 8);
    const jobs = Array.from({ length: 60 }, (_, n) => `job-${n}`);
    await bench.queue("low").enqueueMany(jobs.map((jobId) => ({
      func: "jobs.failsOnce",
      args: ["throw"],
      jobId,
      retry: 3,
    })));
    const flags = ["--isolation", "shared", "--concurrency", String(atOnce)];
    await using _worker = await WorkerProcess.listening([
      ...["low", "--url", proxy.url, ...flags],
    ]);
    for (const id of jobs) await bench.hasStatus(id, "finished");
    assert(proxy.lost > 1, `${proxy.lost} replies were lost`);
    const kept = await Promise.all(jobs.map(async (id) => [
      await bench.field(`rq:job:${id}`, "x_attempts"),
      await bench.field(`rq:job:${id}`, "retries_left"),
      await bench.client.send("XLEN", [`rq:results:${id}`]),
    ]));
    assertEquals(kept, jobs.map(() => ["2", "2", 2]));
    await assertDrained(bench, ["low"]);
  },
);

Deno.test.each([{ atOnce: 1 }, { atOnce: 20 }])(
  "the ends of a group whose replies are lost are counted once, and call once, $atOnce at once",
  async ({ atOnce }) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    await using proxy = new ReplyLoser(redis.port, 8);
    using ledger = new Ledger();
    const note = (line: string) => ({
      func: "jobs.note",
      args: [ledger.path, line],
      queue: "low",
    });
    const group = await Group.create({
      connection: bench.client,
      onComplete: note("complete"),
      onFailure: note("failure"),
    });
    await group.enqueueMany(
      bench.queue("low"),
      Array.from({ length: 60 }, (_, n) => ({
        func: n % 3 ? "jobs.nothing" : "jobs.fails",
        args: n % 3 ? [] : ["no"],
        resultTtl: n % 2 ? 0 : 500,
      })),
    );
    const flags = ["--isolation", "shared", "--concurrency", String(atOnce)];
    await using _worker = await WorkerProcess.listening([
      ...["low", "--url", proxy.url, ...flags],
    ]);
    const { total, finished, failed } = await group.wait({ timeout: 60 });
    assertEquals([total, finished, failed], [60, 40, 20]);
    assert(proxy.lost > 1, `${proxy.lost} replies were lost`);
    await waitFor(() => ledger.lines().length >= 2);
    await assertDrained(bench, ["low"]);
    assertEquals(ledger.lines().toSorted(), ["complete", "failure"]);
  },
);

Deno.test.each([{ atOnce: 1 }, { atOnce: 10 }])(
  "replies that are lost let no more jobs start than a window allows, and each once, $atOnce at once",
  async ({ atOnce }) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    await using proxy = new ReplyLoser(redis.port, 6);
    using ledger = new Ledger();
    const rateLimit = { key: "k", limit: 10, per: "1s", concurrency: 8 };
    const jobs = await bench.queue("low").enqueueMany(
      Array.from({ length: 45 }, (_, n) => ({
        func: "jobs.note",
        args: [ledger.path, `${n}`],
        rateLimit,
      })),
    );
    const flags = ["--isolation", "shared", "--concurrency", String(atOnce)];
    await using _worker = await WorkerProcess.listening([
      ...["low", "--url", proxy.url, ...flags],
    ]);
    for (const { id } of jobs) await bench.hasStatus(id, "finished");
    assert(proxy.lost > 1, `${proxy.lost} replies were lost`);
    assertEquals(ledger.lines().length, jobs.length);
    assertWindows(await startsOf(bench, jobs), 10, 1);
    await assertDrained(bench, ["low"]);
  },
);
