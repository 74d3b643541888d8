import { assert, assertEquals } from "@std/assert";
import { Watchdog } from "../../lib/redis/watchdog.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A watchdog, and its calls: the patience, and when it ended. */
function bench() {
  const clock = new FakeClock();
  const from = clock.now();
  const told: [patience: number, at: number][] = [];
  const watchdog = new Watchdog(
    (patience) => told.push([patience, clock.now() - from]),
    clock,
  );
  const watch = (patience: number) => watchdog.watch(patience, clock.now());
  return { clock, told, watchdog, watch };
}

Deno.test("a watchdog tells once what took too long, and of what came in time nothing", async () => {
  const { clock, told, watchdog, watch } = bench();
  for (let i = 0; i < 5; i++) {
    watch(40);
    await clock.advance(39);
    watchdog.rest();
  }
  await clock.advance(105);
  assertEquals(told, []);
  watch(30);
  await clock.advance(29);
  assertEquals(told, []);
  await clock.advance(1_000);
  assertEquals(told, [[30, 330]]);
});

Deno.test("a watchdog's later patience counts, longer or shorter", async () => {
  const { clock, told, watch } = bench();
  watch(20);
  watch(1_000);
  await clock.advance(999);
  assertEquals(told, []);
  await clock.advance(1);
  watch(60_000);
  watch(10);
  await clock.advance(10);
  watch(Infinity);
  await clock.advance(2 ** 40);
  assertEquals(told, [[1_000, 1_000], [10, 1_010]]);
});

Deno.test("a watchdog that watches one thing after the other sets one timer", () => {
  const { clock, watchdog, watch } = bench();
  for (let i = 0; i < 5; i++) {
    watch(40);
    watchdog.rest();
  }
  assertEquals([clock.pending, clock.holding], [1, 0]);
  watchdog.stop();
  assertEquals(clock.pending, 0);
});

Deno.test("a watchdog at rest keeps no program from ending", async () => {
  const url = new URL("../../lib/redis/watchdog.ts", import.meta.url);
  const code = `import { Watchdog } from ${JSON.stringify(url.href)};
    const watchdog = new Watchdog(() => console.log("late"));
    watchdog.watch(3_600_000, performance.now());
    watchdog.rest();`;
  // A timer that holds the program would do so for an hour.
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", code],
    signal: AbortSignal.timeout(60_000),
  }).output();
  assert(success);
  assertEquals(stdout.length, 0);
});
