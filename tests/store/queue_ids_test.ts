/** Reading the ids of a queue in pages. */

import { assertEquals } from "@std/assert";
import { queueIdPages, queueIds } from "../../lib/store/queue_ids.ts";
import { random } from "../support/random.ts";
import { Bench } from "./support.ts";

const KEY = "rq:queue:q";

async function push(bench: Bench, ids: readonly string[]): Promise<void> {
  for (let i = 0; i < ids.length; i += 5_000) {
    await bench.send("RPUSH", KEY, ...ids.slice(i, i + 5_000));
  }
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`);
}

Deno.test("all ids of a long list come once, in their order", async () => {
  await using bench = await Bench.open();
  const ids = names("j", 25_000);
  await push(bench, ids);
  assertEquals(await queueIds(bench.jobs, "q", 0, -1), ids);
  assertEquals(await queueIds(bench.jobs, "q", 9_000, 12_000), [
    ...ids.slice(9_000, 21_000),
  ]);
  assertEquals(await queueIds(bench.jobs, "q", 24_990, -1), ids.slice(-10));
  assertEquals(await queueIds(bench.jobs, "q", 30_000, 5), []);
  const pages = await Array.fromAsync(queueIdPages(bench.jobs, "q"));
  assertEquals(pages.flat(), ids);
});

Deno.test.each([
  ["a few leave at the head", 300, 0],
  ["many leave at the head", 2_900, 0],
  ["a few come at the head", 0, 300],
  ["many come at the head", 0, 1_700],
])(
  "whoever stays comes once, where between two pages %s",
  async (_name, leave, come) => {
    await using bench = await Bench.open();
    const ids = names("j", 20_000);
    await push(bench, ids);
    const seen: string[] = [];
    let left = 0;
    for await (const page of queueIdPages(bench.jobs, "q")) {
      seen.push(...page);
      if (seen.length > 10_000 && left < 10_000 && leave > 0) {
        await bench.send("LPOP", KEY, leave);
        left += leave;
      }
      if (come > 0) {
        await bench.send("LPUSH", KEY, ...names(`new${seen.length}-`, come));
      }
    }
    assertEquals(seen, ids);
  },
);

Deno.test("whoever stays comes once, where others leave everywhere", async () => {
  await using bench = await Bench.open();
  const below = random(11);
  const ids = names("j", 5_000);
  await push(bench, ids);
  const seen: string[] = [];
  const removed = new Set<string>();
  for await (const page of queueIdPages(bench.jobs, "q")) {
    seen.push(...page);
    const some = [...page.slice(-3), ...page.filter(() => below(2) === 0)];
    some.push(ids[below(ids.length)]!);
    for (const id of some) {
      removed.add(id);
      await bench.send("LREM", KEY, 1, id);
    }
  }
  assertEquals(seen.length, new Set(seen).size);
  assertEquals(ids.filter((id) => !removed.has(id) && !seen.includes(id)), []);
});

Deno.test("a walk that takes off all that it is given gets every id once", async () => {
  await using bench = await Bench.open();
  const ids = names("j", 3_000);
  await push(bench, ids);
  const seen: string[] = [];
  for await (const page of queueIdPages(bench.jobs, "q")) {
    seen.push(...page);
    await bench.send("LPOP", KEY, page.length);
  }
  assertEquals(seen, ids);
});

Deno.test("a walk ends, however many ids come meanwhile", async () => {
  await using bench = await Bench.open();
  await push(bench, names("j", 1_200));
  let count = 0;
  for await (const page of queueIdPages(bench.jobs, "q")) {
    count += page.length;
    await push(bench, names(`new${count}-`, 600));
  }
  assertEquals(count, 1_200);
});

Deno.test("a queue whose key holds something else has no ids", async () => {
  await using bench = await Bench.open();
  await bench.send("ZADD", KEY, 1, "a");
  assertEquals(
    await queueIds(bench.jobs, "q", 0, -1).catch((e) => e.code),
    "WRONGTYPE",
  );
});
