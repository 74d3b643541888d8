/** When a pool starts workers and lets them go, from what it sees. */

import { assertEquals } from "@std/assert";
import { Autoscaler } from "../../lib/worker/autoscaler.ts";

/** An autoscaler of 2 to 8 workers, and its clock. */
function scaler() {
  const clock = { now: 0 };
  const autoscaler = new Autoscaler({ min: 2, max: 8, now: () => clock.now });
  const see = (waiting: number, states: string, starting = 0) =>
    autoscaler.decide({
      waiting,
      states: new Map(
        states.split(" ").map((state, i) => [`w${i}`, state] as const),
      ),
      starting,
    });
  return { clock, see };
}

Deno.test.each(
  [
    ["as many as jobs wait", 1, "busy busy", 0, 1],
    ["at most twice as many as there are", 100, "busy busy", 0, 2],
    ["at most up to the bound", 100, "busy busy busy busy busy", 0, 3],
    [
      "none beyond the bound",
      9,
      "busy busy busy busy busy busy busy busy",
      0,
      0,
    ],
    ["none while nothing waits", 0, "busy busy", 0, 0],
    ["none while somebody is idle", 5, "busy idle", 0, 0],
    ["none while somebody starts", 5, "busy busy", 1, 0],
    ["none while workers are suspended", 5, "suspended suspended", 0, 0],
  ] as const,
)("workers are started: %s", (_, waiting, states, starting, start) => {
  const { see } = scaler();
  assertEquals(see(waiting, states, starting), { start: 0 });
  assertEquals(see(waiting, states, starting), { start });
});

Deno.test("jobs that were taken before the next look are no reason to start a worker", () => {
  const { see } = scaler();
  const seen = [1, 0, 1, 0].map((waiting) => see(waiting, "busy busy").start);
  assertEquals(seen, [0, 0, 0, 0]);
  assertEquals([see(1, "busy busy"), see(1, "busy busy")], [
    { start: 0 },
    { start: 1 },
  ]);
});

Deno.test("a worker that has been idle for a minute leaves, one at a time, down to the bound", () => {
  const { clock, see } = scaler();
  assertEquals(see(0, "busy busy busy idle"), { start: 0 });
  clock.now = 59_999;
  assertEquals(see(0, "busy busy idle idle"), { start: 0 });
  clock.now = 60_000;
  assertEquals(see(0, "busy busy idle idle"), { start: 0, leave: "w3" });
  assertEquals(see(0, "busy busy idle"), { start: 0 });
  clock.now = 119_999;
  assertEquals(see(0, "busy busy idle"), { start: 0, leave: "w2" });
  clock.now = 1_000_000;
  assertEquals(see(0, "idle idle"), { start: 0 });
});

Deno.test("a worker that has worked meanwhile is idle anew", () => {
  const { clock, see } = scaler();
  see(0, "busy busy idle");
  clock.now = 50_000;
  see(0, "busy busy busy");
  clock.now = 60_000;
  assertEquals(see(0, "busy busy idle"), { start: 0 });
});

Deno.test("idle workers leave also while jobs wait that none of them takes", () => {
  const { clock, see } = scaler();
  see(5, "busy idle idle");
  clock.now = 60_000;
  assertEquals(see(5, "busy idle idle"), { start: 0, leave: "w1" });
});
