/** The stand-in of `@std/assert`, and the package itself where it can be loaded. */

import * as imported from "@std/assert";
import { strictEqual, throws } from "node:assert";
import * as standIn from "../../.ci/npm/std_assert.ts";

type Assertions = typeof standIn;

class Point {
  readonly x = 1;
}

/** Pairs, and whether they are equal. */
const PAIRS: readonly (readonly [unknown, unknown, boolean])[] = [
  [0, -0, true],
  [NaN, NaN, true],
  [1, "1", false],
  [null, undefined, false],
  [{ a: undefined }, {}, false],
  [{}, Object.create(null), true],
  [{ x: 1 }, new Point(), false],
  [new Point(), new Point(), true],
  [[1, [2]], [1, [2]], true],
  [[1, 2], [2, 1], false],
  [new Date(1), new Date(1), true],
  [new Date(1), new Date(2), false],
  [/a/g, /a/g, true],
  [/a/g, /a/, false],
  [new URL("redis://a"), new URL("redis://b"), false],
  [new URLSearchParams("a=1"), new URLSearchParams("a=2"), false],
  [new Intl.Locale("de"), new Intl.Locale("de"), true],
  [new Intl.Locale("de"), new Intl.Locale("fr"), false],
  [
    Temporal.PlainDate.from("2026-11-23"),
    Temporal.PlainDate.from("2026-11-23"),
    true,
  ],
  [
    Temporal.PlainDate.from("2026-11-23"),
    Temporal.PlainDate.from("2026-11-24"),
    false,
  ],
  [new Map([[{ a: 1 }, 2]]), new Map([[{ a: 1 }, 2]]), true],
  [new Map([["a", 1]]), new Map([["a", 2]]), false],
  [new Set([{ a: 1 }]), new Set([{ a: 1 }]), true],
  [new Set([1]), new Set([2]), false],
  [new Uint8Array([1, 2]), new Uint8Array([1, 2]), true],
  [new Uint8Array([1]), new Int8Array([1]), false],
  [() => 1, () => 1, false],
];

/** Objects, patterns, and whether they match. */
const MATCHES:
  readonly (readonly [object, Record<string, unknown>, boolean])[] = [
    [{ a: 1, b: 2 }, { a: 1 }, true],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [{ a: { b: [{ c: 1, d: 2 }] } }, { a: { b: [{ c: 1 }] } }, true],
    [{ a: [1, 2] }, { a: [1] }, true],
    [{ a: [1] }, { a: [1, 2] }, false],
    [{ d: new Date(0), e: 1 }, { d: new Date(0) }, true],
    [{ d: new Date(0) }, { d: new Date(1) }, false],
  ];

for (
  const [from, module] of [["the stand-in", standIn], [
    "@std/assert",
    imported,
  ]] as const
) {
  const std: Assertions = module as unknown as Assertions;

  for (const [i, [a, b, same]] of PAIRS.entries()) {
    Deno.test(`assertEquals() of ${from} ${same ? "takes" : "refuses"} pair ${i}`, () => {
      strictEqual(holds(() => std.assertEquals(a, b)), same);
      strictEqual(holds(() => std.assertNotEquals(a, b)), !same);
    });
  }

  for (const [i, [actual, pattern, same]] of MATCHES.entries()) {
    Deno.test(`assertObjectMatch() of ${from} ${same ? "takes" : "refuses"} pattern ${i}`, () => {
      const match = () =>
        std.assertObjectMatch(actual as Record<string, unknown>, pattern);
      strictEqual(holds(match), same);
    });
  }

  Deno.test(`assertEquals() of ${from} refuses to compare what cannot be looked into`, () => {
    for (
      const [a, b] of [[new WeakMap(), new WeakMap()], [
        new WeakSet(),
        new WeakSet(),
      ]]
    ) {
      std.assertThrows(
        () => std.assertEquals(a, b),
        TypeError,
        "Cannot compare",
      );
    }
  });

  Deno.test(`assertThrows() of ${from} looks at class and message`, () => {
    const fn = () => {
      throw new RangeError("Cannot wait: time is up");
    };
    const error = std.assertThrows(fn, RangeError, "time is up");
    strictEqual(error.message, "Cannot wait: time is up");
    std.assertThrows(fn, Error);
    strictEqual(holds(() => std.assertThrows(fn, TypeError)), false);
    strictEqual(holds(() => std.assertThrows(fn, RangeError, "late")), false);
    strictEqual(holds(() => std.assertThrows(() => 1)), false);
  });

  Deno.test(`assertRejects() of ${from} takes a rejection, and no throw`, async () => {
    const error = await std.assertRejects(
      () => Promise.reject(new TypeError("Cannot read: gone")),
      TypeError,
      "gone",
    );
    strictEqual(error.message, "Cannot read: gone");
    for (
      const fn of [
        () => Promise.resolve(),
        () => {
          throw new TypeError();
        },
      ]
    ) {
      const failed = await std.assertRejects(fn, TypeError).catch((e) => e);
      strictEqual(failed instanceof std.AssertionError, true);
    }
  });

  Deno.test(`the other assertions of ${from} hold and fail`, () => {
    const cases: [boolean, () => void][] = [
      [true, () => std.assert(1)],
      [false, () => std.assert(0)],
      [true, () => std.assertFalse("")],
      [false, () => std.assertFalse("a")],
      [true, () => std.assertStrictEquals(NaN, NaN)],
      [false, () => std.assertStrictEquals<unknown>({}, {})],
      [true, () => std.assertExists(0)],
      [false, () => std.assertExists(null)],
      [true, () => std.assertInstanceOf([], Array)],
      [false, () => std.assertInstanceOf({}, Array)],
      [true, () => std.assertStringIncludes("abc", "b")],
      [false, () => std.assertStringIncludes("abc", "d")],
      [true, () => std.assertMatch("abc", /b/)],
      [false, () => std.assertNotMatch("abc", /b/)],
      [true, () => std.assertArrayIncludes([{ a: 1 }, 2], [{ a: 1 }])],
      [false, () => std.assertArrayIncludes([1], [2])],
      [true, () => std.assertAlmostEquals(0.1 + 0.2, 0.3)],
      [false, () => std.assertAlmostEquals(1, 1.1)],
      [true, () => std.assertAlmostEquals(1, 1.1, 0.2)],
      [true, () => std.assertGreater(2, 1)],
      [false, () => std.assertGreater(1, 1)],
      [true, () => std.assertGreaterOrEqual(1, 1)],
      [false, () => std.assertLess(1, 1)],
      [true, () => std.assertLessOrEqual(1, 1)],
      [false, () => std.fail("no")],
      [false, () => std.unreachable()],
    ];
    for (const [expected, fn] of cases) strictEqual(holds(fn), expected);
  });

  Deno.test(`a message of ${from} is part of the error`, () => {
    throws(
      () => std.assertEquals(1, 2, "the count"),
      /Values are not equal: the count/,
    );
    throws(() => std.fail("the reason"), {
      message: "Failed assertion: the reason",
    });
  });
}

/** Whether an assertion holds; any error but `AssertionError` is the test's own. */
function holds(assertion: () => unknown): boolean {
  try {
    assertion();
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === "AssertionError") return false;
    throw error;
  }
}
