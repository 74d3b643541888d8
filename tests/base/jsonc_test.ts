import { assertEquals, assertThrows } from "@std/assert";
import { parseJsonc } from "../../lib/base/jsonc.ts";

Deno.test("parseJsonc() reads comments and last commas, and leaves strings alone", () => {
  const text = `\uFEFF// first
{
  "url": "https://a.example/*,*/", /* "no": 1, */
  "quote": "\\"// ,]", // the end
  "list": [1, 2, /* and */ ],
}`;
  assertEquals(parseJsonc(text), {
    url: "https://a.example/*,*/",
    quote: '"// ,]',
    list: [1, 2],
  });
});

Deno.test.each<[string]>([["{"], ["{a}"], ['{"a": 1 /* }']])(
  "parseJsonc() refuses %s",
  (text) => {
    assertThrows(() => parseJsonc(text), SyntaxError);
  },
);
