import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Duration,
  parseDuration,
  type ParseDurationOptions,
} from "../../lib/base/duration.ts";

const CENTURY = 100 * 365 * 86_400;

Deno.test.each<[Duration, number]>([
  [1, 1],
  [90, 90],
  [CENTURY, CENTURY],
  ["1", 1],
  ["90", 90],
  ["090", 90],
  ["90s", 90],
  ["5m", 300],
  ["1h", 3_600],
  ["1d", 86_400],
  ["1h30m", 5_400],
  ["1d2h3m4s", 93_784],
  ["30m1h", 5_400],
  ["0h5s", 5],
])("parseDuration() reads %s as %d seconds", (text, seconds) => {
  assertEquals(parseDuration(text, "timeout"), seconds);
});

const BAD: [string, unknown][] = [
  ["0", 0],
  ["-5", -5],
  ["-1", -1],
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
  ["1.5", 1.5],
  ["more than a century", CENTURY + 1],
  ["1e300", 1e300],
  ["2^53", 2 ** 53],
  ["the text 0", "0"],
  ["the text 0s", "0s"],
  ["the text -1", "-1"],
  ["the text -5", "-5"],
  ["the text 1x", "1x"],
  ["the text 1.5", "1.5"],
  ["the text 1.5h", "1.5h"],
  ["the text 1e3", "1e3"],
  ["the text 0x10", "0x10"],
  ["the text NaN", "NaN"],
  ["the text Infinity", "Infinity"],
  ["the empty text", ""],
  ["a blank", " "],
  ["a number in blanks", " 5 "],
  ["a line after it", "5\n"],
  ["a unit alone", "s"],
  ["a number without its unit", "1h30"],
  ["a unit before its number", "h1"],
  ["a sign within", "1h-30m"],
  ["a huge text", "9".repeat(400)],
  ["a huge number of days", "99999999999d"],
  ["null", null],
  ["true", true],
  ["a list", [5]],
  ["a BigInt", 5n],
  ["an object", {}],
];

Deno.test.each(BAD)("parseDuration() refuses %s", (_name, value) => {
  const error = assertThrows(
    () => parseDuration(value as Duration, "timeout"),
    RangeError,
    "Cannot read timeout",
  );
  assert(!error.message.endsWith("."), error.message);
});

Deno.test.each<[string, Duration, ParseDurationOptions, number]>([
  ["0 where it is allowed", 0, { zero: true }, 0],
  ["the text 0 where it is allowed", "0", { zero: true }, 0],
  ["-1 where it is allowed", -1, { unlimited: true }, -1],
  ["the text -1 where it is allowed", "-1", { unlimited: true }, -1],
])("parseDuration() reads %s", (_name, value, options, seconds) => {
  assertEquals(parseDuration(value, "ttl", options), seconds);
});

Deno.test.each<[string, Duration, ParseDurationOptions]>([
  ["0 where only -1 is allowed", 0, { unlimited: true }],
  ["-1 where only 0 is allowed", -1, { zero: true }],
  ["-2 where -1 is allowed", -2, { unlimited: true, zero: true }],
  ["-1s where -1 is allowed", "-1s", { unlimited: true }],
  ["-0.5 where both are allowed", -0.5, { unlimited: true, zero: true }],
])("parseDuration() refuses %s", (_name, value, options) => {
  assertThrows(() => parseDuration(value, "ttl", options), RangeError);
});

Deno.test("parseDuration() names the label, the value and what is allowed", () => {
  const error = assertThrows(
    () => parseDuration("1x", "resultTtl", { unlimited: true, zero: true }),
    RangeError,
  );
  assertEquals(
    error.message,
    'Cannot read resultTtl "1x": expected whole seconds from 0, text such as "90s", "5m" or "1h30m", -1 for no limit',
  );
});

Deno.test("parseDuration() reads a very long text", () => {
  // This would take for ever in more than linear time.
  assertThrows(() => parseDuration("1".repeat(1_000_000) + "x", "t"));
  assertEquals(parseDuration("1s".repeat(100_000), "t"), 100_000);
});

Deno.test.each<[Duration, ParseDurationOptions, number]>([
  [0.5, { fraction: true }, 0.5],
  [0, { fraction: true, zero: true }, 0],
  ["5m", { fraction: true }, 300],
  [Infinity, { infinite: true }, Infinity],
])(
  "parseDuration() reads %j with %j as %d seconds",
  (value, options, seconds) => {
    assertEquals(parseDuration(value, "timeout", options), seconds);
  },
);

Deno.test.each<[Duration, ParseDurationOptions]>([
  [0, { fraction: true }],
  [-0.5, { fraction: true, zero: true }],
  [NaN, { fraction: true, infinite: true }],
  [-Infinity, { infinite: true }],
  [Infinity, { fraction: true }],
])("parseDuration() refuses %j with %j", (value, options) => {
  assertThrows(() => parseDuration(value, "timeout", options), RangeError);
});
