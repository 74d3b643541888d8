import { assert, assertEquals, assertMatch } from "@std/assert";
import { formatDate, nowMicros, parseDate } from "../../lib/base/date.ts";

Deno.test.each<[number, string]>([
  [0, "1970-01-01T00:00:00.000000Z"],
  [1, "1970-01-01T00:00:00.000001Z"],
  [999, "1970-01-01T00:00:00.000999Z"],
  [1_000, "1970-01-01T00:00:00.001000Z"],
  [999_999, "1970-01-01T00:00:00.999999Z"],
  [1_795_401_446_887_284, "2026-11-23T02:37:26.887284Z"],
  [951_782_400_000_000, "2000-02-29T00:00:00.000000Z"],
  [1_767_225_599_999_999, "2025-12-31T23:59:59.999999Z"],
  [4_102_444_800_000_000, "2100-01-01T00:00:00.000000Z"],
])("formatDate() writes %d microseconds as %s", (micros, text) => {
  assertEquals(formatDate(micros), text);
});

Deno.test("formatDate() writes now in RQ's form", () => {
  const before = Date.now();
  const text = formatDate();
  assertMatch(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  const millis = new Date(text).getTime();
  assert(millis >= before - 1_000 && millis <= Date.now() + 1_000, text);
});

Deno.test("nowMicros() never runs backwards", () => {
  let last = nowMicros();
  for (let i = 0; i < 10_000; i++) {
    const now = nowMicros();
    assert(Number.isInteger(now) && now >= last);
    last = now;
  }
});

Deno.test.each<[string, number]>([
  ["2026-11-23T02:37:08.111378Z", Date.UTC(2026, 10, 23, 2, 37, 8, 111)],
  ["2026-11-23T02:37:08.1Z", Date.UTC(2026, 10, 23, 2, 37, 8, 100)],
  ["2026-11-23T02:37:08Z", Date.UTC(2026, 10, 23, 2, 37, 8)],
  ["2026-11-23T02:37:08.111Z", Date.UTC(2026, 10, 23, 2, 37, 8, 111)],
  ["2026-11-23T03:37:08.111+01:00", Date.UTC(2026, 10, 23, 2, 37, 8, 111)],
])("parseDate() reads %s", (text, millis) => {
  assertEquals(parseDate(text)?.getTime(), millis);
});

Deno.test.each<[string | undefined]>([
  [undefined],
  [""],
  ["garbage"],
  ["2026-13-45T99:99:99Z"],
  ["None"],
])("parseDate() gives null for %s", (text) => {
  assertEquals(parseDate(text), null);
});
