/** The expected texts were printed by Python's `repr`, truncated as RQ does. */

import { assert, assertEquals } from "@std/assert";
import { describeCall } from "../../lib/job/description.ts";

function described(value: unknown): string {
  return describeCall("f", [value], {}).slice(2, -1);
}

Deno.test.each<[string, unknown, string]>([
  ["text", "yangyi", "'yangyi'"],
  ["the empty text", "", "''"],
  ["a single quote", "it's", `"it's"`],
  ["a double quote", 'say "x"', `'say "x"'`],
  ["both quotes", `it's "x"`, `'it\\'s "x"'`],
  ["a backslash", "a\\b", "'a\\\\b'"],
  ["a backslash before an n", "a\\n", "'a\\\\n'"],
  [
    "control characters",
    "\n\r\t\x00\x1b\x7f\x85",
    "'\\n\\r\\t\\x00\\x1b\\x7f\\x85'",
  ],
  ["letters of the world", "é日本🎉", "'é日本🎉'"],
  ["a whole number", 1, "1"],
  ["a fraction", 1.5, "1.5"],
  ["a negative number", -3, "-3"],
  ["a large number", 1e21, "1e+21"],
  ["true", true, "True"],
  ["false", false, "False"],
  ["null", null, "None"],
  ["undefined", undefined, "None"],
  ["nested values", [1, [2, { a: null }]], "[1, [2, {'a': None}]]"],
  ["an empty object", {}, "{}"],
  ["an empty list", [], "[]"],
  ["text in an object", { b: "it's" }, `{'b': "it's"}`],
  ["an absent property", { a: 1, b: undefined }, "{'a': 1}"],
  ["an absent element", [1, undefined], "[1, None]"],
  ["a date", new Date(0), "'1970-01-01T00:00:00.000Z'"],
  ["text that just fits", "x".repeat(73), `'${"x".repeat(73)}'`],
  ["text that is too long", "x".repeat(74), `'${"x".repeat(74)}...`],
  [
    "a list that is too long",
    Array(100).fill(1),
    `[${"1, ".repeat(30)}`.slice(0, 75) + "...",
  ],
])("an argument that is %s is shown as in Python", (_name, value, text) => {
  assertEquals(described(value), text);
});

Deno.test.each<[string, string, string]>([
  ["a no-break space", "\xa0", "'\\xa0'"],
  ["a soft hyphen", "\xad", "'\\xad'"],
  ["a zero width space", "\u200b", "'\\u200b'"],
  ["a line separator", "\u2028", "'\\u2028'"],
  ["a direction override", "\u202e", "'\\u202e'"],
  ["a byte order mark", "\ufeff", "'\\ufeff'"],
  ["a lone surrogate", "\ud800", "'\\ud800'"],
])(
  "%s in a text is escaped, which would garble a log line",
  (_n, value, text) => {
    assertEquals(described(value), text);
  },
);

Deno.test.each<[number, string]>([
  [1e-7, "1e-07"],
  [0.00001, "1e-05"],
])("the small number %s is shown as in Python", (value, text) => {
  assertEquals(described(value), text);
});

Deno.test("a text is cut after 75 characters, not in the middle of one", () => {
  assertEquals(described("🎉".repeat(40)), `'${"🎉".repeat(40)}'`);
  assertEquals(described("🎉".repeat(90)), `'${"🎉".repeat(74)}...`);
});

Deno.test("no description holds half a character, wherever it is cut", () => {
  for (let shift = 0; shift < 4; shift++) {
    const text = described("x".repeat(shift) + "🎉".repeat(60));
    assert(text.isWellFormed(), text);
  }
});

Deno.test("the quotes of a text that is cut are those of the whole text", () => {
  const text = `it's${"a".repeat(80)}"`;
  assertEquals(
    described(text),
    `'it\\'s${"a".repeat(80)}`.slice(0, 75) + "...",
  );
});

Deno.test("arguments come first, then keyword arguments in the order of their names", () => {
  assertEquals(
    describeCall("jobs.mail.send", ["a", 2], { z: "x", b: [1], a: null }),
    "jobs.mail.send('a', 2, a=None, b=[1], z='x')",
  );
  assertEquals(describeCall("f", [], {}), "f()");
});

Deno.test("each keyword argument is cut for itself", () => {
  const long = "x".repeat(100);
  const cut = `'${"x".repeat(74)}...`;
  assertEquals(
    describeCall("f", [long], { a: long, b: long }),
    `f(${cut}, a=${cut}, b=${cut})`,
  );
});

Deno.test("of a huge argument no more is read than is shown", () => {
  const tooFar = {
    enumerable: true,
    get(): never {
      throw new Error("It has been read");
    },
  };
  const list = Array.from({ length: 100_000 }, () => "x");
  const object = Object.fromEntries(list.map((text, i) => [`k${i}`, text]));
  Object.defineProperty(list, 100, tooFar);
  Object.defineProperty(object, "k100", tooFar);
  const deep = { s: "y".repeat(5_000_000), list };
  const text = describeCall("f", [list, object, deep], { list });
  assert(text.length < 400, text);
});
