import { assertEquals, assertThrows } from "@std/assert";
import { checkJobOptions } from "../../lib/job/options.ts";
import { checkUnique, type Unique } from "../../lib/job/unique.ts";

Deno.test.each<[Unique, string]>([
  [{ key: "k" }, "ended error"],
  [{ key: "k", until: "started", ifTaken: "skip" }, "started skip"],
  [{ key: "k", ifTaken: "replace" }, "ended replace"],
  [{ key: "k", until: "1h" }, "3600 error"],
  [{ key: "k", until: 0.5, ifTaken: "skip" }, "0.5 skip"],
  [{ key: "k", ifTaken: "debounce", delay: "5s" }, "started debounce"],
  [
    { key: "k", ifTaken: "debounce", delay: 5, maxWait: "1m" },
    "started debounce 60",
  ],
])("unique: %j is stored as %s", (unique, how) => {
  const checked = checkUnique(unique, undefined);
  assertEquals([checked.key, checked.how], ["k", how]);
});

Deno.test("unique: true is for an id that the caller chooses", () => {
  const { unique } = checkJobOptions({ unique: true, jobId: "a" });
  assertEquals(unique, { key: undefined, how: "id", due: undefined });
  assertThrows(
    () => checkJobOptions({ unique: true }),
    TypeError,
    "it needs a jobId",
  );
});

Deno.test("the delay of a debounced job says when it is due, and nothing else may", () => {
  const unique = { key: "k", ifTaken: "debounce", delay: 0.5 } as const;
  assertEquals(checkJobOptions({ unique }).due, "+0.5");
  for (const [name, other] of [["at", { at: new Date() }], ["in", { in: 5 }]]) {
    assertThrows(
      () => checkJobOptions({ unique, ...other as { in: number } }),
      TypeError,
      `"${name}" with unique.ifTaken "debounce"`,
    );
  }
});

Deno.test.each<[unknown, ErrorConstructor, string]>([
  ["k", TypeError, "expected an object of options, got string"],
  [false, TypeError, "expected an object of options, got boolean"],
  [null, TypeError, "expected an object of options, got null"],
  [{}, TypeError, "unique.key: expected text, got undefined"],
  [{ key: "" }, RangeError, "unique.key: it is empty"],
  [
    { key: "k", untill: "ended" },
    TypeError,
    'there is no option "untill", there are key, until, ifTaken, delay, maxWait',
  ],
  [{ key: "k", until: "endet" }, RangeError, '"started" or "ended"'],
  [{ key: "k", until: 0 }, RangeError, "unique.until 0: expected seconds"],
  [
    { key: "k", ifTaken: "drop" },
    RangeError,
    'unique.ifTaken "drop": expected error, skip, replace, debounce',
  ],
  [
    { key: "k", until: "1h", ifTaken: "replace" },
    TypeError,
    "expected error or skip",
  ],
  [{ key: "k", delay: 5 }, TypeError, 'unique.delay: it is for ifTaken "de'],
  [{ key: "k", maxWait: 5 }, TypeError, "unique.maxWait: it is for ifTaken"],
  [{ key: "k", ifTaken: "debounce" }, RangeError, "unique.delay undefined"],
  [
    { key: "k", ifTaken: "debounce", delay: 0 },
    RangeError,
    "unique.delay 0: expected seconds above 0",
  ],
  [
    { key: "k", ifTaken: "debounce", delay: 5, maxWait: 4 },
    RangeError,
    "unique.maxWait 4 s: expected at least the delay, 5 s",
  ],
  [
    { key: "k", ifTaken: "debounce", delay: 5, until: "ended" },
    TypeError,
    "its key is held until the job starts",
  ],
])("unique: %j is refused", (unique, error, text) => {
  assertThrows(() => checkUnique(unique as Unique, "a"), error, text);
});
