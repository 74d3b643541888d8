/** Jobs that yield, and those who read what they yield. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  JobFailedError,
  type JobStream,
  NoSuchJobError,
  Queue,
} from "../../mod.ts";
import { jobFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitForEqual } from "../support/wait_for.ts";
import { Bench, burst, Ledger, WorkerProcess } from "./support.ts";

async function all<P>(stream: AsyncIterable<P>): Promise<P[]> {
  return await Array.fromAsync(stream);
}

async function take<P>(stream: JobStream<P>, count: number): Promise<P[]> {
  const parts: P[] = [];
  for (let i = 0; i < count; i++) {
    const { done, value } = await stream.next();
    assert(!done, `it has ended after ${parts}`);
    parts.push(value);
  }
  return parts;
}

Deno.test("what a job yields is read while it runs, from the start, from the middle, and afterwards", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const gate = `${ledger.path}.gate`;
  const job = await bench.queue("low").enqueue("streams.counts", gate);
  const early = job.stream();
  const first = early.next();
  await using _worker = await WorkerProcess.listening([
    "low",
    ...["--url", redis.url],
  ]);
  assertEquals(await first, { done: false, value: 1 });
  const middle = early.position;
  const two = { two: "1970-01-01T00:00:00.000Z" };
  assertEquals(await take(early, 1), [two]);
  assertEquals(await take(job.stream(), 2), [1, two]);
  const resumed = job.stream({ from: middle });
  await Deno.writeTextFile(gate, "");
  assertEquals(await all(resumed), [two, null, "fïn"]);
  assertEquals(await all(early), [null, "fïn"]);
  assertEquals(await job.wait({ timeout: 60 }), "returned");
  assertEquals(await all(job.stream()), [1, two, null, "fïn"]);
  assertEquals(await all(job.stream({ from: resumed.position })), []);
  const key = `rq:x_stream:${job.id}`;
  const ttl = Number(await bench.client.send("TTL", [key]));
  assert(ttl > 400 && ttl <= 500, `${ttl}`);
  await job.delete();
  assertEquals(await bench.client.send("EXISTS", [key]), 0);
  await assertRejects(() => all(job.stream()), NoSuchJobError);
  await Deno.remove(gate);
});

Deno.test.each([["process"], ["reuse"], ["shared"]])(
  "isolation %s: thousands of parts arrive in their order, and a generator returns its result",
  async (isolation) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    const queue = bench.queue("low");
    const job = await queue.enqueue("streams.floods", 5_000);
    const web = await queue.enqueue("streams.readable");
    await using _worker = await WorkerProcess.listening([
      "low",
      ...["--url", redis.url, "--isolation", isolation],
    ]);
    const parts = await all(job.stream<number>());
    assertEquals(parts, Array.from({ length: 5_000 }, (_, i) => i));
    assertEquals(await job.wait({ timeout: 60 }), 5_000);
    assertEquals(await all(web.stream()), [1, 2, 3]);
    assertEquals(await web.result(), undefined);
  },
);

Deno.test("a job that begins anew says so to those who have read, and shows others its last run alone", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const queue = bench.queue("low");
  const job = await queue.enqueueCall({
    func: "streams.failsOnce",
    retry: { max: 1, interval: 3600 },
  });
  await burst(["low", "--url", redis.url]);
  let restarts = 0;
  const told = job.stream({ onRestart: () => restarts++ });
  const untold = job.stream();
  assertEquals(await take(told, 1), ["a1"]);
  assertEquals(await take(untold, 1), ["a1"]);
  await bench.client.send("ZADD", ["rq:scheduled:low", "1", job.id]);
  await using _worker = await WorkerProcess.listening([
    "low",
    ...["--url", redis.url],
  ]);
  assertEquals(await all(told), ["a2", "b2"]);
  assertEquals(restarts, 1);
  await assertRejects(() => all(untold), Error, "the job has begun anew");
  assertEquals(await all(job.stream()), ["a2", "b2"]);
});

Deno.test("the stream of a job that fails gives its parts and then the error", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const queue = bench.queue("low");
  const jobs = await Promise.all(
    ["failsOnce", "yieldsMap", "yieldsTooMuch", "yieldsLarge"].map((name) =>
      queue.enqueue(`streams.${name}`)
    ),
  );
  await burst(["low", "--url", redis.url]);
  const [thrown, map, tooMuch, large] = jobs.map((job) => job.stream());
  assertEquals(await take(thrown!, 1), ["a1"]);
  const error = await assertRejects(() => thrown!.next(), JobFailedError);
  assert(error.cause instanceof Error && error.cause.message === "between");
  assertEquals(await take(map!, 1), [1]);
  await assertRejects(
    () => map!.next(),
    JobFailedError,
    "Cannot store part 1: Map is not JSON",
  );
  await assertRejects(
    () => all(tooMuch!),
    JobFailedError,
    "it yields more than 100,000 parts or 16 MB",
  );
  await assertRejects(
    () => all(large!),
    JobFailedError,
    "Cannot stream part 0: it has 131074 characters of JSON, more than 131072",
  );
  const job = await queue.enqueue("streams.counts");
  for (const from of ["x", "99999999999999999999-0"]) {
    assertThrows(
      () => job.stream({ from }),
      RangeError,
      `"${from}" is no position`,
    );
  }
});

Deno.test("a job that yields and sleeps begins its stream anew", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("streams.sleeps");
  await using _worker = await WorkerProcess.listening([
    "low",
    ...["--url", redis.url],
  ]);
  await job.wait({ timeout: 60 });
  assertEquals(await all(job.stream()), ["one", "two"]);
});

Deno.test("a stream ends with the signal, with the connection, and with the cancellation of the job", async () => {
  await using redis = await RedisServer.start();
  await using queue = new Queue("low", { connection: redis.url });
  const job = await queue.enqueue("streams.counts", "/nowhere");
  const abort = new AbortController();
  const aborted = assertRejects(
    () => all(job.stream({ signal: abort.signal })),
    Error,
    "enough",
  );
  abort.abort(new Error("enough"));
  await aborted;
  const canceled = assertRejects(() => all(job.stream()), Error, "canceled");
  await job.cancel();
  await canceled;
  const other = await queue.enqueue("streams.counts", "/nowhere");
  const closed = assertRejects(
    () => all(other.stream()),
    Error,
    "closed",
  );
  await queue.close();
  await closed;
});

Deno.test("a response gives the parts as server-sent events, and goes on where a browser was cut off", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const queue = bench.queue("low");
  await Deno.writeTextFile(`${ledger.path}.gate`, "");
  const job = await queue.enqueue("streams.counts", `${ledger.path}.gate`);
  const bad = await queue.enqueue("streams.yieldsMap");
  await burst(["low", "--url", redis.url]);
  const response = job.streamResponse();
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  const text = await response.text();
  assertEquals(
    text.replaceAll(/id: \S+/g, "id: 0"),
    [
      ...["id: 0", "data: 1", ""],
      ...["id: 0", `data: {"two":"1970-01-01T00:00:00.000Z"}`, ""],
      ...["id: 0", "data: null", ""],
      ...["id: 0", `data: "fïn"`, ""],
      ...["event: end", "data: {}", "", ""],
    ].join("\n"),
  );
  const [, , third = ""] = [...text.matchAll(/id: (\S+)/g)].map(([, id]) => id);
  const rest = await job.streamResponse({ from: third }).text();
  assertEquals(rest.split("\n")[1], `data: "fïn"`);
  const failed = await bad.streamResponse().text();
  assert(failed.endsWith(`event: failed\ndata: {"name":"JobFailedError"}\n\n`));
  const cut = (await queue.enqueue("streams.counts", "/no")).streamResponse();
  await cut.body?.cancel();
  await Deno.remove(`${ledger.path}.gate`);
});

Deno.test("any number of readers share one connection", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const queue = bench.queue("low");
  const jobs = await queue.enqueueMany(
    Array.from({ length: 20 }, () => ({ func: "streams.floods", args: [3] })),
  );
  const clients = async () =>
    String(await bench.client.send("CLIENT", ["LIST"])).trim().split("\n")
      .length;
  const before = await clients();
  const reading = Promise.all(jobs.map((job) => all(job.stream())));
  await waitForEqual(clients, before + 1);
  await burst(["low", "--url", redis.url]);
  assertEquals(await reading, jobs.map(() => [0, 1, 2]));
});

Deno.test("middleware runs around all that a job yields, and a job without permissions yields and has steps", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  using ledger = new Ledger();
  const queue = bench.queue("low");
  const gate = `${ledger.path}.gate`;
  const counts = await queue.enqueue("streams.counts", gate);
  const floods = await queue.enqueue("streams.floods", 3);
  const sleeps = await queue.enqueue("streams.sleeps");
  await Deno.writeTextFile(gate, "");
  await using _worker = await WorkerProcess.listening([
    ...["low", "--url", redis.url, "--job-allow-none"],
    ...[`--job-allow-read=${gate}`, "--middleware=./hooks.ts", ...jobFlags()],
  ]);
  assertEquals(await counts.wait({ timeout: 60 }), "outer(returned)");
  assertEquals((await all(counts.stream())).length, 4);
  assertEquals(await all(floods.stream()), [0, 1, 2]);
  await sleeps.wait({ timeout: 60 });
  assertEquals(await all(sleeps.stream()), ["one", "two"]);
  await Deno.remove(gate);
});
