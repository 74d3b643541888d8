/** The stand-in of `@std/cli/unicode-width`, and the package itself where it can be loaded. */

import { assertEquals } from "@std/assert";
import { unicodeWidth as imported } from "@std/cli/unicode-width";
import { unicodeWidth } from "../../.ci/npm/std_cli_width.ts";

const CASES: readonly (readonly [text: string, width: number])[] = [
  ["", 0],
  ["plain", 5],
  ["größer", 6],
  ["e\u0301", 1],
  ["漢字", 4],
  ["한국", 4],
  ["カナ", 4],
  ["😀!", 3],
  ["…█│", 3],
];

for (
  const [from, widthOf] of [
    ["the stand-in", unicodeWidth],
    ["@std/cli", imported],
  ] as const
) {
  for (const [text, width] of CASES) {
    Deno.test(`unicodeWidth() of ${from} is ${width} for "${text}"`, () => {
      assertEquals(widthOf(text), width);
    });
  }
}
