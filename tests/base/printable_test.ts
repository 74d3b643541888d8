import { assertEquals } from "@std/assert";
import {
  printable,
  printableJson,
  printableLines,
} from "../../lib/base/printable.ts";

const CASES: [name: string, text: string, shown: string][] = [
  ["plain text with a tab", "a\tb ü 漢 🙂", "a\tb ü 漢 🙂"],
  ["a newline", "a\nb", "a\\nb"],
  ["a carriage return", "a\rb", "a\\rb"],
  ["an escape sequence of colours", "\x1b[31mred", "\\x1b[31mred"],
  ["an OSC that sets the title", "\x1b]0;x\x07", "\\x1b]0;x\\x07"],
  ["C1", "a\x9b31mb\x85c", "a\\x9b31mb\\x85c"],
  ["DEL and NUL", "\x7f\0", "\\x7f\\x00"],
  ["marks of direction", "\u202eabc\u2066\u200f", "\\u202eabc\\u2066\\u200f"],
  ["line separators", "a\u2028b\u2029c", "a\\u2028b\\u2029c"],
  ["what has no width", "a\u200bb\ufeffc", "a\\u200bb\\ufeffc"],
];

Deno.test.each(CASES)("printable() of %s", (_name, text, shown) => {
  assertEquals(printable(text), shown);
});

Deno.test("printableLines() indents each line, so that none can be taken for one of the log's own", () => {
  assertEquals(
    printableLines("Error: x\n    at f\n12:00:00 low: Job OK\r\n\x1b[2J"),
    "  Error: x\n      at f\n  12:00:00 low: Job OK\n  \\x1b[2J",
  );
});

Deno.test.each(CASES)(
  "printableJson() of %s is the same text, and harmless",
  (_name, text) => {
    const json = printableJson({ text });
    assertEquals(JSON.parse(json), { text });
    assertEquals(printable(json), json);
  },
);
