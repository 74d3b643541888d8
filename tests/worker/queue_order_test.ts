/** In which order a worker tries its queues, from what it was given. */

import { assertEquals } from "@std/assert";
import { type QueueOrder, queueOrder } from "../../lib/worker/queue_order.ts";

/** Which queues are served, one job at a time, by an order whose queues have so many jobs. */
function served(
  order: QueueOrder,
  jobs: Readonly<Record<string, number>>,
  most: number,
): string {
  const left: Record<string, number> = { ...jobs };
  let names = "";
  while (names.length < most) {
    const queue = order.queues.find((name) => (left[name] ?? 0) > 0);
    if (queue === undefined) break;
    left[queue]!--;
    order.served([queue]);
    names += queue;
  }
  return names;
}

Deno.test("the order as given never changes", () => {
  const order = queueOrder("default", ["a", "b"]);
  assertEquals(served(order, { a: 3, b: 3 }, 6), "aaabbb");
});

Deno.test("with weights, queues that have jobs are served in proportion, evenly spread", () => {
  const order = queueOrder("weighted:a=5,b=1", ["a", "b"]);
  const names = served(order, { a: 100, b: 100 }, 60);
  assertEquals(names, names.slice(0, 6).repeat(10));
  assertEquals([...names.slice(0, 6)].sort().join(""), "aaaaab");
});

Deno.test("a queue that is not named has the weight 1, and its order among equals is kept", () => {
  const order = queueOrder("weighted:b=2", ["a", "b", "c"]);
  assertEquals(order.queues, ["b", "a", "c"]);
  const names = served(order, { a: 100, b: 100, c: 100 }, 40);
  const counts = ["a", "b", "c"].map((name) => names.split(name).length - 1);
  assertEquals(counts, [10, 20, 10]);
});

Deno.test("the share of a queue without jobs goes to the others", () => {
  const order = queueOrder("weighted:a=5,b=1,c=1", ["a", "b", "c"]);
  const names = served(order, { b: 100, c: 100 }, 20);
  assertEquals([...names].sort().join(""), "b".repeat(10) + "c".repeat(10));
});

Deno.test("a queue that had no jobs for long has no arrears to catch up on", () => {
  const order = queueOrder("weighted:a=1,b=1", ["a", "b"]);
  assertEquals(served(order, { a: 1_000 }, 1_000), "a".repeat(1_000));
  const names = served(order, { a: 100, b: 100 }, 10);
  assertEquals([...names].sort().join(""), "aaaaabbbbb");
});

Deno.test("a claim of several jobs counts as several", () => {
  const order = queueOrder("weighted:a=5,b=1", ["a", "b"]);
  order.served(Array(10).fill("a"));
  const names = served(order, { a: 100, b: 100 }, 20);
  // 30 jobs in all, of which a sixth is the other queue's.
  assertEquals(names.split("b").length - 1, 5);
});
