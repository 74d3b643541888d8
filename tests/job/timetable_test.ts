/** When schedules run: expressions, time zones, and clocks that are set. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  checkTiming,
  firstSlot,
  parseTiming,
  timetableOf,
  type When,
} from "../../lib/job/timetable.ts";

/** The next slots after a time, as text. */
function slots(
  when: When,
  after: string,
  count: number,
  timeZone?: string,
): string[] {
  const timetable = timetableOf(checkTiming(when, timeZone), 0);
  let at = Date.parse(after) / 1_000;
  return Array.from({ length: count }, () => {
    at = timetable.next(at)!;
    return new Date(at * 1_000).toISOString().replace(":00.000Z", "Z");
  });
}

Deno.test.each<[string, string, string[]]>([
  ["0 2 * * *", "2026-01-01T02:00Z", ["2026-01-02T02:00Z"]],
  ["*/15 9-17 * * MON-FRI", "2026-01-02T17:40Z", [
    "2026-01-02T17:45Z",
    "2026-01-05T09:00Z",
  ]],
  ["0 0 1 1 *", "2026-06-01T00:00Z", ["2027-01-01T00:00Z"]],
  ["0 12 29 2 *", "2026-01-01T00:00Z", [
    "2028-02-29T12:00Z",
    "2032-02-29T12:00Z",
  ]],
  ["0 0 * * 7", "2026-01-01T00:00Z", ["2026-01-04T00:00Z"]],
  ["  5   *  * * * ", "2026-01-01T00:05Z", ["2026-01-01T01:05Z"]],
])("the slots of %j after %s", (expression, after, expected) => {
  assertEquals(slots(expression, after, expected.length), expected);
});

Deno.test("the first of six fields is the second", () => {
  assertEquals(slots("*/30 59 23 31 12 *", "2026-01-01T00:00Z", 3), [
    "2026-12-31T23:59Z",
    "2026-12-31T23:59:30.000Z",
    "2027-12-31T23:59Z",
  ]);
});

Deno.test("an expression is read in its time zone, UTC without one", () => {
  const after = "2026-07-01T00:00Z";
  assertEquals(slots("0 9 * * *", after, 1), ["2026-07-01T09:00Z"]);
  assertEquals(slots("0 9 * * *", after, 1, "Europe/Berlin"), [
    "2026-07-01T07:00Z",
  ]);
  assertEquals(slots("0 9 * * *", after, 1, "Asia/Kolkata"), [
    "2026-07-01T03:30Z",
  ]);
});

/** In Berlin, the clock is set from 2:00 to 3:00 on 29 March 2026, 01:00 UTC. */
Deno.test.each<[string, string[]]>([
  // at 3:00 once, the day after at its time
  ["30 2 * * *", ["2026-03-29T01:00Z", "2026-03-30T00:30Z"]],
  ["15,45 2 * * *", ["2026-03-29T01:00Z", "2026-03-30T00:15Z"]],
  ["0 2,3 * * *", ["2026-03-29T01:00Z", "2026-03-30T00:00Z"]],
  ["0 3 * * *", ["2026-03-29T01:00Z", "2026-03-30T01:00Z"]],
  // an expression for every hour: the time that passes
  ["0 * * * *", ["2026-03-29T00:00Z", "2026-03-29T01:00Z"]],
  ["*/30 * * * *", ["2026-03-29T00:00Z", "2026-03-29T00:30Z"]],
])("the hour that is left out: %s runs at %j", (expression, expected) => {
  const after = expression.includes("* * * *")
    ? "2026-03-28T23:30Z"
    : "2026-03-28T12:00Z";
  assertEquals(slots(expression, after, 2, "Europe/Berlin"), expected);
});

/** In Berlin, the clock is set from 3:00 to 2:00 on 25 October 2026, 01:00 UTC. */
Deno.test.each<[string, string[]]>([
  ["30 2 * * *", ["2026-10-25T00:30Z", "2026-10-26T01:30Z"]],
  ["15,45 2 * * *", [
    "2026-10-25T00:15Z",
    "2026-10-25T00:45Z",
    "2026-10-26T01:15Z",
  ]],
  ["0 3 * * *", ["2026-10-25T02:00Z", "2026-10-26T02:00Z"]],
  ["0 */2 * * *", [
    "2026-10-25T00:00Z",
    "2026-10-25T03:00Z",
    "2026-10-25T05:00Z",
  ]],
  // an expression for every hour runs in both
  ["30 * * * *", [
    "2026-10-24T23:30Z",
    "2026-10-25T00:30Z",
    "2026-10-25T01:30Z",
    "2026-10-25T02:30Z",
  ]],
])("the hour that comes twice: %s runs at %j", (expression, expected) => {
  const after = "2026-10-24T23:00Z";
  assertEquals(
    slots(expression, after, expected.length, "Europe/Berlin"),
    expected,
  );
});

Deno.test("in the second of two hours, what ran in the first is past", () => {
  assertEquals(
    slots("*/10 2 * * *", "2026-10-25T01:05Z", 1, "Europe/Berlin"),
    ["2026-10-26T01:00Z"],
  );
});

Deno.test("clocks that are set at midnight, and by half an hour", () => {
  assertEquals(
    slots("0 0 * * *", "2026-09-05T12:00Z", 2, "America/Santiago"),
    ["2026-09-06T04:00Z", "2026-09-07T03:00Z"],
  );
  assertEquals(
    slots("45 1 * * *", "2026-04-04T00:00Z", 2, "Australia/Lord_Howe"),
    ["2026-04-04T14:45Z", "2026-04-05T15:15Z"],
  );
});

Deno.test("over three years, no slot of any expression comes before the one before it, or twice", () => {
  const from = Date.parse("2024-01-01") / 1_000;
  for (const expression of ["30 2 * * *", "0 */3 * * *", "0 1,2,3 * * *"]) {
    for (const timeZone of ["Europe/Berlin", "America/New_York"]) {
      const timetable = timetableOf(checkTiming(expression, timeZone), 0);
      for (let last = from; last < from + 3 * 366 * 86_400;) {
        const next = timetable.next(last)!;
        const isInOrder = next > last && next <= last + 25 * 3_600;
        assert(isInOrder, `${expression}, ${timeZone}: ${next} after ${last}`);
        last = next;
      }
    }
  }
});

Deno.test("an interval goes on in even steps from its start", () => {
  const timetable = timetableOf({ every: 900 }, 1_000);
  assertEquals([0, 1_000, 1_001, 1_899, 1_900].map(timetable.next), [
    1_000,
    1_900,
    1_900,
    1_900,
    2_800,
  ]);
  assertEquals(checkTiming({ every: "15m" }, undefined), { every: 900 });
});

Deno.test("the first slot of an interval is now, that of an expression comes after", () => {
  assertEquals(firstSlot({ every: 900 }, 1_000), 1_000);
  assertEquals(firstSlot({ cron: "* * * * *", timeZone: "UTC" }, 60), 120);
});

Deno.test.each<[When, string | undefined, string]>([
  ["", undefined, "it has 1 field"],
  ["* * * *", undefined, "it has 4 fields"],
  ["* * * * * * *", undefined, "it has 7 fields"],
  ["61 * * * *", undefined, "minute: 61"],
  ["* 24 * * *", undefined, "hour: 24"],
  ["0 0 30 2 *", undefined, "there is no such date"],
  ["soon", undefined, 'expected "[second] minute hour day month weekday"'],
  ["* * * * *", "Europe/Berln", "expected an IANA name"],
  ["* * * * *", "", "expected an IANA name"],
  [{ every: 0 }, undefined, "whole seconds from 1"],
  [{ every: 0.5 }, undefined, "whole seconds from 1"],
  [{ every: "often" }, undefined, `"90s", "5m" or "1h30m"`],
])("%j in time zone %j is refused: %s", (when, timeZone, text) => {
  assertThrows(() => checkTiming(when, timeZone), RangeError, text);
});

Deno.test.each<[unknown, unknown, string]>([
  [{ evry: 5 }, undefined, `no option "evry", expected { every: "15m" }`],
  [null, undefined, "expected an object of options, got null"],
  [5, undefined, "expected an object of options, got number"],
  ["* * * * *", 1, "expected text, got number"],
  [{ every: 5 }, "UTC", "it is for cron expressions"],
])("%j in time zone %j is a TypeError: %s", (when, timeZone, text) => {
  const check = () => checkTiming(when as When, timeZone as string);
  assertThrows(check, TypeError, text);
});

Deno.test.each([
  ["{}"],
  ["[]"],
  ["null"],
  [""],
  ['{"cron":"* * *"}'],
  ['{"every":-1}'],
  ['{"cron":"* * * * *","timeZone":5}'],
])("what is stored is checked: %s", (text) => {
  assertThrows(() => parseTiming(text));
});

Deno.test("what is stored is what was checked", () => {
  for (
    const timing of [
      checkTiming("0 2 * * *", "Europe/Berlin"),
      checkTiming({ every: "1d" }, undefined),
    ]
  ) {
    assertEquals(parseTiming(JSON.stringify(timing)), timing);
  }
});
