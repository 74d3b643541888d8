/** The stand-in of `@std/random`, and the package itself where it can be loaded. */

import { assertEquals } from "@std/assert";
import { shuffle as imported } from "@std/random/shuffle";
import { shuffle } from "../../.ci/npm/std_random.ts";

for (
  const [from, shuffled] of [["the stand-in", shuffle], [
    "@std/random",
    imported,
  ]] as const
) {
  Deno.test(`shuffle() of ${from} gives a copy with the same entries, in every order`, () => {
    const items = [1, 2, 3];
    const orders = new Set<string>();
    // After so many, an order is missing with a chance of one in 10^78.
    for (let i = 0; i < 1_000; i++) {
      const copy = shuffled(items);
      assertEquals(copy.toSorted(), items);
      orders.add(copy.join());
    }
    assertEquals(items, [1, 2, 3]);
    assertEquals(orders.size, 6);
    assertEquals(shuffled([]), []);
  });
}
