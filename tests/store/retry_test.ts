/** Retries: how long they wait, what they count, and what is kept of each attempt. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { RetryWish } from "../../lib/job/retry_wish.ts";
import { decodeFailure } from "../../lib/job/result_codec.ts";
import { resultOfEntry } from "../../lib/store/job_store.ts";
import { list } from "../../lib/store/replies.ts";
import { Bench } from "./support.ts";

/** Fails a job's next run; gives the answer, and the seconds until it is due if it is scheduled. */
async function failOnce(
  bench: Bench,
  options: { retry?: RetryWish; random?: number } = {},
): Promise<[answer: string, wait: number | undefined]> {
  const worker = { name: "w1", instance: "i-w1", queues: ["q"] };
  const execution = await bench.claim(worker);
  const ending = { outcome: "failed", ...options } as const;
  const answer = await bench.end(worker, execution, ending);
  if (answer !== "scheduled") return [answer, undefined];
  const score = Number(await bench.send("ZSCORE", "rq:scheduled:q", "a"));
  const [seconds, micros] = await bench.send("TIME") as string[];
  await bench.send("ZADD", "rq:scheduled:q", 1, "a");
  await bench.sweeps.promoteScheduled("q");
  return [answer, score - Number(seconds) - Number(micros) / 1e6];
}

/** The entries of a job's stream of results, as objects. */
async function results(bench: Bench): Promise<Record<string, string>[]> {
  const entries = list(await bench.send("XRANGE", "rq:results:a", "-", "+"));
  return entries.map((entry) => {
    const flat = list(list(entry)[1]!).map(String);
    const pairs = flat.flatMap((name, i) =>
      i % 2 === 0 ? [[name, flat[i + 1]!]] : []
    );
    return Object.fromEntries(pairs);
  });
}

Deno.test.each([
  [0, 50],
  [0.5, 100],
  [0.999999, 150],
])(
  "with a jitter of a half, random number %d makes a wait of 100 s %d s",
  async (random, seconds) => {
    await using bench = await Bench.open();
    await bench.worker();
    const fields = {
      retries_left: 1,
      retry_intervals: "[100]",
      x_retry_jitter: 0.5,
    };
    await bench.add("a", { fields });
    const [answer, wait] = await failOnce(bench, { random });
    assertEquals(answer, "scheduled");
    assertAlmostEquals(wait!, seconds, 2);
  },
);

Deno.test.each(["-1", "2", "nan", "much", "1e400"])(
  "a jitter of %s is none",
  async (jitter) => {
    await using bench = await Bench.open();
    await bench.worker();
    const fields = {
      retries_left: 1,
      retry_intervals: "[100]",
      x_retry_jitter: jitter,
    };
    await bench.add("a", { fields });
    const [, wait] = await failOnce(bench, { random: 0.1 });
    assertAlmostEquals(wait!, 100, 2);
  },
);

Deno.test("a job that is never to be tried again fails with retries left", async () => {
  await using bench = await Bench.open();
  await bench.worker();
  await bench.add("a", { fields: { retries_left: 5 } });
  const [answer] = await failOnce(bench, { retry: { type: "never" } });
  assertEquals([answer, await bench.status("a")], ["failed", "failed"]);
  assertEquals((await results(bench)).map(({ type }) => type), ["2"]);
});

const AGAIN = { type: "again" } as const;

const ASKING: [string, Record<string, string | number>, RetryWish, string[]][] =
  [
    ["without an option, as often as it asks", {}, AGAIN, [
      "retried",
      "retried",
      "retried",
    ]],
    ["what is left of the option", { retries_left: 2 }, AGAIN, [
      "retried",
      "retried",
      "failed",
    ]],
    ["its own max", {}, { ...AGAIN, max: 1 }, ["retried", "failed"]],
    ["its own max beyond the option's", { retries_left: 1 }, {
      ...AGAIN,
      max: 2,
    }, ["retried", "retried", "failed"]],
    ["after the time that it says", { retries_left: 1 }, { ...AGAIN, in: 60 }, [
      "scheduled",
      "failed",
    ]],
  ];

Deno.test.each(ASKING)(
  "a job that asks for retries gets them: %s",
  async (_what, fields, retry, answers) => {
    await using bench = await Bench.open();
    await bench.worker();
    await bench.add("a", { fields });
    const got = [];
    for (let i = 0; i < answers.length; i++) {
      got.push((await failOnce(bench, { retry }))[0]);
    }
    assertEquals(got, answers);
    const again = answers.filter((answer) => answer !== "failed").length;
    assertEquals(await bench.field("a", "number_of_retries"), `${again}`);
    const types = (await results(bench)).map(({ type }) => type);
    assertEquals(types, answers.map((a) => a === "failed" ? "5" : "4"));
  },
);

Deno.test("the time that a job asks for comes before that of the option, a fraction too", async () => {
  await using bench = await Bench.open();
  await bench.worker();
  const fields = { retries_left: 2, retry_intervals: "[100,200]" };
  await bench.add("a", { fields });
  const [, asked] = await failOnce(bench, { retry: { ...AGAIN, in: 7.5 } });
  assertAlmostEquals(asked!, 7.5, 2);
  const [, own] = await failOnce(bench, { retry: AGAIN });
  assertAlmostEquals(own!, 200, 2);
});

Deno.test("the end of each attempt is kept: its type, text, worker, execution, number, start and end", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  const before = Date.now() / 1_000;
  await bench.add("a", { fields: { retries_left: 2 } });
  await failOnce(bench);
  assert(await bench.ttl("rq:results:a") > 0);
  await failOnce(bench);
  await bench.run(worker);
  const kept = await results(bench);
  assertEquals(kept.map(({ type }) => type), ["4", "4", "1"]);
  assertEquals(kept.map(({ x_attempt }) => x_attempt), ["1", "2", "3"]);
  const ids = new Set(kept.map(({ execution_id }) => execution_id));
  assertEquals(ids.size, 3);
  for (
    const { worker_name, execution_started_at, execution_ended_at } of kept
  ) {
    assertEquals(worker_name, "w1");
    const took = Number(execution_ended_at) - Number(execution_started_at);
    assertAlmostEquals(took, 0.0125, 0.001);
    assertAlmostEquals(Number(execution_ended_at), before, 60);
  }
  const entries = list(await bench.send("XRANGE", "rq:results:a", "-", "+"));
  const first = resultOfEntry(entries[0]!);
  assertEquals(decodeFailure(first).split("\n")[0], "Error: bad");
});

Deno.test("of failures that are not kept, no attempt is either", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a", { fields: { retries_left: 1 } });
  const execution = await bench.claim(worker);
  const ending = { outcome: "failed", ttl: 0 } as const;
  assertEquals(await bench.end(worker, execution, ending), "retried");
  assertEquals(await bench.send("EXISTS", "rq:results:a"), 0);
});

Deno.test.each(["[1e999]", "[-5]", '["x"]', "[{}]", "{}", "[nan]"])(
  "a job with intervals %s is tried again",
  async (intervals) => {
    await using bench = await Bench.open();
    await bench.worker();
    await bench.add("a", {
      fields: { retries_left: 1, retry_intervals: intervals },
    });
    const [answer, wait = 0] = await failOnce(bench);
    assert(["retried", "scheduled"].includes(answer), answer);
    assert(wait < 4e9, `${wait}`);
  },
);
