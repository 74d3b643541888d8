import { assertEquals, assertThrows } from "@std/assert";
import {
  checkRepeat,
  FOR_EVER,
  type Repeat,
  repeat,
} from "../../lib/job/repeat.ts";

Deno.test.each<[Repeat, number, number[]]>([
  [{ times: 3 }, 3, [0]],
  [{ times: 1, interval: 0 }, 1, [0]],
  [{ times: 2, interval: "1h30m" }, 2, [5_400]],
  [{ times: 5, interval: [1, "2m", 0.5] }, 5, [1, 120, 0.5]],
  [{ times: 2, interval: [1, 2, 3] }, 2, [1, 2]],
  [{ times: Infinity, interval: ["1s", "1d"] }, FOR_EVER, [1, 86_400]],
])("repeat(%j) is %i times after %j seconds", (options, times, intervals) => {
  assertEquals(checkRepeat(options), { times, intervals });
  const stored = JSON.parse(JSON.stringify(repeat(options)));
  assertEquals(checkRepeat(stored), { times, intervals }, "as JSON");
});

Deno.test.each<[Repeat, string]>([
  [{ times: 0 }, "a whole number from 1, or Infinity for ever, got 0"],
  [{ times: -1 }, "got -1"],
  [{ times: 1.5 }, "got 1.5"],
  [{ times: NaN }, "got NaN"],
  [{ times: 2 ** 53 }, "got 9007199254740992"],
  [{ times: "3" as never }, "got 3"],
  [{} as never, "got undefined"],
  [{ times: 2, interval: [] }, "empty, expected at least one"],
  [{ times: 2, interval: -1 }, "interval of repeat -1: expected"],
  [{ times: 2, interval: [5, "soon"] }, 'interval of repeat "soon": expected'],
  [{ times: 1, interval: [5, NaN] }, "interval of repeat NaN: expected"],
  [{ times: 2, interval: Infinity }, "interval of repeat Infinity: expected"],
  [{ times: 2, interval: null as never }, "interval of repeat null: expected"],
])("repeat(%j) is a RangeError that says: %s", (options, text) => {
  assertThrows(() => repeat(options), RangeError, text);
});

Deno.test.each<[unknown, string]>([
  [3, "expected an object of options, got number"],
  [null, "expected an object of options, got null"],
  [
    { times: 3, intervall: 5 },
    'no option "intervall", there are times and interval',
  ],
])("repeat(%j) is a TypeError that says: %s", (options, text) => {
  assertThrows(() => repeat(options as Repeat), TypeError, text);
});
