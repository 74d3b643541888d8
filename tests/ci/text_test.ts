/** The stand-in of `@std/text`, and the package itself where it can be loaded. */

import { assertEquals } from "@std/assert";
import { levenshteinDistance as imported } from "@std/text/levenshtein-distance";
import { levenshteinDistance } from "../../.ci/npm/std_text.ts";

const CASES: readonly [string, string, number][] = [
  ["", "", 0],
  ["queues", "queues", 0],
  ["quues", "queues", 1],
  ["", "abc", 3],
  ["kitten", "sitting", 3],
  ["Burst", "burst", 1],
  ["a".repeat(40), "b".repeat(33), 40],
];

Deno.test.each(CASES)(
  "levenshteinDistance() of %j and %j is %d, either way round",
  (a, b, distance) => {
    for (const distanceOf of [imported, levenshteinDistance]) {
      assertEquals([distanceOf(a, b), distanceOf(b, a)], [distance, distance]);
    }
  },
);
