import { assertEquals, assertThrows } from "@std/assert";
import {
  checkRetry,
  mayRetry,
  retry,
  retryFields,
  type RetryOptions,
} from "../../lib/job/retry.ts";
import { JobRecord } from "../../lib/job/record.ts";

Deno.test.each<[number | RetryOptions, number[]]>([
  [3, [0, 0, 0]],
  [{ max: 2, interval: 5 }, [5, 5]],
  [{ max: 1, interval: "1h30m" }, [5_400]],
  [{ max: 4, interval: ["10s", "1m"] }, [10, 60, 60, 60]],
  [{ max: 1, interval: [1, 2, 3] }, [1]],
  [{ max: 2, interval: 3, backoff: "fixed" }, [3, 3]],
  [{ max: 4, interval: 10, backoff: "linear" }, [10, 20, 30, 40]],
  [{ max: 4, interval: 10, backoff: "exponential" }, [10, 20, 40, 80]],
  [
    { max: 4, interval: 10, backoff: "exponential", factor: 1.5 },
    [10, 15, 23, 34],
  ],
  [
    { max: 4, interval: 10, backoff: "linear", maxInterval: "25s" },
    [10, 20, 25, 25],
  ],
  [{ max: 2, interval: 100, maxInterval: 60 }, [60, 60]],
])("the waits of retry %j are %j", (option, waits) => {
  assertEquals(checkRetry(option).intervals, waits);
});

Deno.test("the waits of a thousand retries stay numbers of at most a century", () => {
  const { intervals } = checkRetry({
    max: 1_000,
    interval: 1,
    backoff: "exponential",
  });
  assertEquals(intervals.length, 1_000);
  assertEquals(intervals.at(-1), 100 * 365 * 86_400);
});

Deno.test.each<[unknown, typeof RangeError | typeof TypeError, string]>([
  [0, RangeError, "retry 0: max has to be a whole number from 1 to 1,000"],
  [1.5, RangeError, "retry 1.5"],
  [1_001, RangeError, "retry 1001"],
  [{}, RangeError, "retry undefined"],
  ["3", TypeError, "expected an object of options, got string"],
  [null, TypeError, "expected an object of options, got null"],
  [{ max: 1, times: 2 }, TypeError, 'no option "times", there are max'],
  [{ max: 1, interval: -1 }, RangeError, "retry.interval -1"],
  [{ max: 1, interval: 0.5 }, RangeError, "retry.interval 0.5"],
  [{ max: 1, interval: [1, "soon"] }, RangeError, 'retry.interval "soon"'],
  [{ max: 1, interval: [] }, RangeError, "the list is empty"],
  [
    { max: 1, backoff: "cubic", interval: 1 },
    RangeError,
    "fixed, linear, exponential",
  ],
  [{ max: 1, backoff: "linear" }, TypeError, "needs one interval"],
  [
    { max: 1, backoff: "exponential", interval: [1, 2] },
    TypeError,
    "needs one interval",
  ],
  [{ max: 1, interval: 1, factor: 3 }, TypeError, "retry.factor"],
  [
    { max: 1, interval: 1, backoff: "exponential", factor: 0.5 },
    RangeError,
    "retry.factor 0.5",
  ],
  [{ max: 1, maxInterval: 0 }, RangeError, "retry.maxInterval 0"],
  [{ max: 1, jitter: 1.1 }, RangeError, "retry.jitter 1.1"],
  [{ max: 1, jitter: "much" }, RangeError, 'retry.jitter "much"'],
  [{ max: 1, retryOn: "TimeoutError" }, TypeError, "retry.retryOn"],
  [{ max: 1, retryOn: [] }, TypeError, "retry.retryOn"],
  [{ max: 1, atFront: 1 }, TypeError, "retry.atFront 1"],
])("retry %j is refused", (option, type, text) => {
  assertThrows(() => checkRetry(option as RetryOptions), type, text);
});

Deno.test("retry() refuses what enqueueing would refuse, and gives back the rest", () => {
  assertThrows(() => retry({ max: 0 }), RangeError, "retry 0");
  assertEquals(retry({ max: 2, interval: "5s" }), { max: 2, interval: "5s" });
});

Deno.test("a retry is stored in RQ's fields, and in our own only where it says more", () => {
  assertEquals(retryFields(checkRetry(2)), [
    ["retries_left", 2],
    ["retry_intervals", "[0,0]"],
  ]);
  const all = { max: 1, interval: 9, jitter: 0.5, retryOn: ["A"] };
  assertEquals(retryFields(checkRetry({ ...all, atFront: true })), [
    ["retries_left", 1],
    ["retry_intervals", "[9]"],
    ["enqueue_at_front_on_retry", 1],
    ["x_retry_jitter", 0.5],
    ["x_retry_on", '["A"]'],
  ]);
});

Deno.test.each<[string | undefined, boolean]>([
  [undefined, true],
  ['["TypeError","Error"]', true],
  ['["RangeError"]', false],
  ["nonsense", true],
  ["{}", true],
  ["[5]", true],
])("with x_retry_on %s, a TypeError is tried again: %s", (text, may) => {
  const fields = new Map(
    text === undefined
      ? []
      : [["x_retry_on" as const, new TextEncoder().encode(text)]],
  );
  const job = new JobRecord("a", fields);
  assertEquals(mayRetry(job, ["TypeError", "Error"]), may);
});
