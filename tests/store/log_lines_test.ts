/** The logs of jobs in Redis. */

import { assert, assertEquals } from "@std/assert";
import {
  addLog,
  type LogLine,
  type NewLine,
  readLog,
} from "../../lib/store/log_lines.ts";
import type { Execution } from "../../lib/store/worker_types.ts";
import { Bench } from "./support.ts";

const KEPT = 500;

async function started(bench: Bench, id = "a"): Promise<Execution> {
  await bench.add(id);
  return await bench.claim(await bench.worker());
}

function add(
  bench: Bench,
  execution: Execution,
  call: number,
  texts: readonly string[],
  { most = 10_000, dropped = 0 } = {},
): Promise<boolean> {
  const lines = texts.map((text): NewLine => ["log", text]);
  return addLog(bench.workers, execution, { call, most, dropped, lines });
}

async function lines(bench: Bench, id = "a"): Promise<LogLine[]> {
  const pages = await Array.fromAsync(readLog(bench.jobs, id, "0-0"));
  return pages.flat().map(([, line]) => line);
}

Deno.test("lines are kept with their number, source and attempt, and read in pages", async () => {
  await using bench = await Bench.open();
  const execution = await started(bench);
  const texts = Array.from({ length: 450 }, (_, i) => `line ${i}`);
  await add(bench, execution, 1, texts, { most: 100_000 });
  const [first, ...others] = await lines(bench);
  assert(Math.abs(first!.at.getTime() - Date.now()) < 120_000);
  assertEquals({ ...first, at: 0 }, {
    line: 1,
    source: "log",
    text: "line 0",
    at: 0,
    attempt: 1,
  });
  assertEquals(others.map(({ text }) => text), texts.slice(1));
  const pages = await Array.fromAsync(readLog(bench.jobs, "a", "0-0"));
  assertEquals(pages.map(({ length }) => length), [200, 200, 50]);
});

Deno.test("of a log that is too long the first lines are dropped, and the numbers go on", async () => {
  await using bench = await Bench.open();
  const execution = await started(bench);
  const text = "x".repeat(68); // 100 bytes with what else a line takes
  for (let call = 1; call <= 6; call++) {
    await add(bench, execution, call, Array(5).fill(text), { most: 1_000 });
  }
  const kept = await lines(bench);
  assertEquals(
    kept.map(({ line }) => line),
    Array.from({ length: 10 }, (_, i) => 21 + i),
  );
  await add(bench, execution, 7, ["last"], { most: 1_000, dropped: 100 });
  assertEquals((await lines(bench)).at(-1)!.line, 131);
  await add(bench, execution, 8, ["y".repeat(5_000)], { most: 1_000 });
  assertEquals((await lines(bench)).map(({ line }) => line), [132]);
});

Deno.test("a log may be cut to much less at once, and a thousand lines are dropped in steps", async () => {
  await using bench = await Bench.open();
  const execution = await started(bench);
  for (let call = 1; call <= 10; call++) {
    const texts = Array<string>(500).fill("");
    await add(bench, execution, call, texts, { most: 1_000_000 });
  }
  await add(bench, execution, 11, ["a"], { most: 330 });
  const left = (await lines(bench)).length;
  assert(left > 100 && left < 4_000, `${left}`);
  for (let call = 12; call < 15; call++) {
    await add(bench, execution, call, [""], { most: 330 });
  }
  assertEquals((await lines(bench)).length, 10);
});

Deno.test.each<
  [string, (bench: Bench, e: Execution) => Promise<unknown>, number]
>([
  [
    "is finished",
    (bench, e) => bench.end(worker(), e, { needsHooks: true, ttl: KEPT }),
    KEPT,
  ],
  [
    "has failed",
    (bench, e) => bench.end(worker(), e, { outcome: "failed", ttl: KEPT }),
    KEPT,
  ],
  [
    "is kept for ever",
    (bench, e) => bench.end(worker(), e, { needsHooks: true, ttl: -1 }),
    -1,
  ],
  [
    "is finished and not kept",
    (bench, e) => bench.end(worker(), e, { ttl: 0 }),
    -2,
  ],
  ["is deleted", (bench) => bench.jobs.delete("a"), -2],
  ["is canceled", (bench) => bench.jobs.cancel("a"), 31_536_000],
])("a log lives as long as its job, which %s", async (_how, act, ttl) => {
  await using bench = await Bench.open();
  const execution = await started(bench);
  await add(bench, execution, 1, ["text"]);
  const key = bench.keys.log("a");
  assert(await bench.ttl(key) > 86_400, "while the job runs");
  await act(bench, execution);
  const left = await bench.ttl(key);
  assert(left <= ttl && left > ttl - 60, `${left}, not ${ttl}`);
  if (ttl > 0) assertEquals(left, await bench.ttl(bench.keys.job("a")));
});

/** The worker that {@linkcode started} has registered. */
function worker() {
  return { name: "w1", instance: "i-w1", queues: ["q"] };
}

Deno.test("later attempts add to the log, whose end is recorded with the job's again", async () => {
  await using bench = await Bench.open();
  await bench.add("a", { fields: { retries_left: 1 } });
  const w = await bench.worker();
  const first = await bench.claim(w);
  await add(bench, first, 1, ["first"]);
  await bench.end(w, first, { outcome: "failed", needsHooks: true });
  const second = await bench.claim(w);
  await add(bench, second, 1, ["second"]);
  await bench.end(w, second, { ttl: KEPT, hadHeartbeat: false });
  assertEquals(
    (await lines(bench)).map((
      { text, attempt, line },
    ) => [text, attempt, line]),
    [["first", 1, 1], ["second", 2, 2]],
  );
  assert(await bench.ttl(bench.keys.log("a")) <= KEPT);
});

Deno.test("what is no log line is left out, and a key of another type is replaced", async () => {
  await using bench = await Bench.open();
  const key = bench.keys.log("a");
  const execution = await started(bench);
  await bench.send("SET", key, "text");
  assertEquals(await lines(bench), []);
  await bench.send("HSET", bench.keys.job("a"), "x_log", "odd");
  assertEquals(await add(bench, execution, 1, ["text"]), true);
  await bench.send("XADD", key, "*", "odd", "entry");
  await bench.send("XADD", key, "*", "source", "log", "line", "x", "text", "t");
  assertEquals(
    (await lines(bench)).map((
      { line, text, attempt },
    ) => [line, text, attempt]),
    [[1, "text", 1], [0, "t", 1]],
  );
  await add(bench, execution, 2, ["more"], { most: 1 });
  assertEquals((await lines(bench)).at(-1)!.text, "more");
});

Deno.test("a job that is repeated keeps its log, however short its result is kept", async () => {
  await using bench = await Bench.open();
  const fields = { repeats_left: 1, repeat_intervals: "[3600]" };
  await bench.add("a", { fields });
  const w = await bench.worker();
  const execution = await bench.claim(w);
  await add(bench, execution, 1, ["first run"]);
  await bench.end(w, execution, { needsHooks: true, ttl: KEPT });
  assertEquals(await bench.send("HGET", "rq:job:a", "status"), "scheduled");
  assert(await bench.ttl(bench.keys.log("a")) > 86_400);
});

Deno.test("what has expired of a log does not count among what is kept", async () => {
  await using bench = await Bench.open();
  const execution = await started(bench);
  const text = "x".repeat(68);
  await add(bench, execution, 1, Array(10).fill(text), { most: 1_000 });
  await bench.send("DEL", bench.keys.log("a"));
  await add(bench, execution, 2, Array(10).fill(text), { most: 1_000 });
  assertEquals((await lines(bench)).length, 10);
});
