import { assertEquals } from "@std/assert";
import { RespawnBackoff } from "../../lib/worker/respawn_backoff.ts";

Deno.test("a worker that has worked for a while is replaced at once", () => {
  const backoff = new RespawnBackoff(() => 0);
  backoff.died(10_000);
  assertEquals(backoff.pauseMs(), 0);
});

Deno.test("workers that die after their start are replaced after pauses that double, up to 30 seconds", () => {
  let now = 0;
  const backoff = new RespawnBackoff(() => now);
  const pauses = Array.from({ length: 7 }, () => {
    now += backoff.pauseMs();
    backoff.died(100);
    return backoff.pauseMs();
  });
  assertEquals(pauses, [
    ...[1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
  ]);
  now += 30_000;
  assertEquals(backoff.pauseMs(), 0);
});

Deno.test("pauses begin anew once a worker has worked for a while", () => {
  let now = 0;
  const backoff = new RespawnBackoff(() => now);
  for (let i = 0; i < 5; i++) backoff.died(100);
  now += backoff.pauseMs();
  backoff.died(60_000);
  backoff.died(100);
  assertEquals(backoff.pauseMs(), 1_000);
});
