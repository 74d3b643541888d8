import { assert, assertEquals } from "@std/assert";
import { backoff } from "../../lib/base/backoff.ts";

Deno.test("backoff() doubles its bound up to the cap", () => {
  const random = () => 1;
  const waits = [0, 1, 2, 5, 6, 1_000].map((n) => backoff(n, { random }));
  assertEquals(waits, [50, 100, 200, 1_600, 2_000, 2_000]);
});

Deno.test("backoff() spreads over all of its bound", () => {
  assertEquals(backoff(3, { random: () => 0 }), 0);
  for (let i = 0; i < 100; i++) {
    const wait = backoff(1, { base: 10, cap: 15 });
    assert(wait >= 0 && wait < 15);
  }
});
