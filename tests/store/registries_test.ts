/** Reading registries in pages. */

import { assertEquals } from "@std/assert";
import { LEASE_MARGIN } from "../../lib/store/lease.ts";
import {
  registryCount,
  registryPages,
  registryScore,
  type WalkOptions,
} from "../../lib/store/registries.ts";
import { random } from "../support/random.ts";
import { Bench } from "./support.ts";

const FAILED = { queue: "q", name: "failed" } as const;
const CANCELED = { queue: "q", name: "canceled" } as const;
const KEY = "rq:failed:q";
const LATER = 4_000_000_000;

async function ids(
  bench: Bench,
  options: WalkOptions = {},
): Promise<string[]> {
  const pages = await Array.fromAsync(
    registryPages(bench.jobs, FAILED, options),
  );
  return pages.flat().map(({ id }) => id);
}

async function add(
  bench: Bench,
  entries: Readonly<Record<string, number | string>>,
  key = KEY,
): Promise<void> {
  const flat = Object.entries(entries).flatMap(([id, score]) => [score, id]);
  await bench.send("ZADD", key, ...flat);
}

Deno.test("a registry is read in pages of any size, in both directions, from any offset", async () => {
  await using bench = await Bench.open();
  const all = ["for-ever", "a", "b", "c", "d", "e", "last"];
  await add(bench, {
    "for-ever": -1,
    expired: 1,
    gone: 1_000_000_000,
    a: LATER,
    b: LATER,
    c: LATER,
    d: LATER + 0.5,
    e: LATER + 1,
    last: "+inf",
  });
  for (const pageSize of [1, 2, 3, 500]) {
    for (let offset = 0; offset <= all.length + 1; offset++) {
      assertEquals(await ids(bench, { pageSize, offset }), all.slice(offset));
      assertEquals(
        await ids(bench, { pageSize, offset, newestFirst: true }),
        all.toReversed().slice(offset),
      );
    }
  }
  assertEquals(await registryCount(bench.jobs, FAILED), all.length);
});

Deno.test("entries that are kept for ever and such as have all expired are told apart", async () => {
  await using bench = await Bench.open();
  await add(bench, { a: 1, b: 2 });
  assertEquals(await ids(bench), []);
  assertEquals(await ids(bench, { newestFirst: true }), []);
  assertEquals(await registryCount(bench.jobs, FAILED), 0);
  assertEquals(await registryScore(bench.jobs, FAILED, "a"), null);
  await add(bench, { x: -1, y: -1 });
  assertEquals(await ids(bench, { pageSize: 1 }), ["x", "y"]);
  assertEquals(await ids(bench, { pageSize: 1, newestFirst: true }), [
    "y",
    "x",
  ]);
  assertEquals(await registryScore(bench.jobs, FAILED, "x"), -1);
});

Deno.test("canceled jobs are scored with the past, and none of them counts as expired", async () => {
  await using bench = await Bench.open();
  await add(bench, { a: 1, b: 2 }, "rq:canceled:q");
  const pages = await Array.fromAsync(registryPages(bench.jobs, CANCELED));
  assertEquals(pages.flat().map(({ id }) => id), ["a", "b"]);
  assertEquals(await registryCount(bench.jobs, CANCELED), 2);
});

Deno.test("a registry whose key holds something else is empty", async () => {
  await using bench = await Bench.open();
  await bench.send("SET", KEY, "text");
  assertEquals(await ids(bench), []);
  assertEquals(await registryCount(bench.jobs, FAILED), 0);
  assertEquals(await registryScore(bench.jobs, FAILED, "a"), null);
});

Deno.test.each([[true], [false]])(
  "whoever stays comes once, whatever leaves between the pages (newest first: %s)",
  async (newestFirst) => {
    const below = random(newestFirst ? 7 : 8);
    await using bench = await Bench.open();
    // few scores, so that most entries have the same score as others; ids that no locale sorts as bytes
    const letters = ["a", "B", "-", "_", "Z", "z", "9"];
    const entries = Object.fromEntries(
      Array.from({ length: 400 }, (_, i) => [
        `${letters[i % letters.length]}${i}`,
        LATER + below(3),
      ]),
    );
    await add(bench, entries);
    const seen: string[] = [];
    const removed = new Set<string>();
    const walk = { newestFirst, pageSize: 7 };
    for await (const page of registryPages(bench.jobs, FAILED, walk)) {
      seen.push(...page.map(({ id }) => id));
      const left = Object.keys(entries).filter((id) => !removed.has(id));
      for (let i = 0; i < 3; i++) {
        removed.add(left[below(left.length)]!);
      }
      removed.add(page.at(-1)!.id); // behind which the next page begins
      await bench.send("ZREM", KEY, ...removed);
    }
    assertEquals(seen.length, new Set(seen).size);
    const missed = Object.keys(entries).filter((id) => !seen.includes(id));
    assertEquals(missed.filter((id) => !removed.has(id)), []);
  },
);

Deno.test("upwards, a walk ends at what was last when it began", async () => {
  await using bench = await Bench.open();
  await add(bench, { a: LATER, b: LATER + 1 });
  let next = LATER + 2;
  const seen: string[] = [];
  for await (const page of registryPages(bench.jobs, FAILED, { pageSize: 1 })) {
    seen.push(...page.map(({ id }) => id));
    await add(bench, { [`new-${next}`]: next++ });
  }
  assertEquals(seen, ["a", "b"]);
});

Deno.test("a started job is found by its lease, also by that of a worker of RQ's", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  const { id } = await bench.claim(worker);
  const started = { queue: "q", name: "wip" } as const;
  const [page] = await Array.fromAsync(registryPages(bench.jobs, started));
  assertEquals(page?.map(({ id, member }) => [id, member]), [
    ["a", `a:${id}`],
  ]);
  const end = page![0]!.score - LEASE_MARGIN;
  assertEquals(await registryScore(bench.jobs, started, "a"), end);
  await bench.send("ZADD", "rq:wip:q", LATER, "b:of-rq");
  await bench.send("ZADD", "rq:executions:b", LATER, "of-rq");
  assertEquals(await registryScore(bench.jobs, started, "b"), LATER);
  assertEquals(await registryScore(bench.jobs, started, "c"), null);
});
