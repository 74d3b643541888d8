import { assertEquals, assertThrows } from "@std/assert";
import {
  checkQueueRateLimit,
  checkRateLimit,
  type OnConflict,
  type RateLimit,
  rateLimitFields,
} from "../../lib/job/rate_limit.ts";

Deno.test("a rate limit has a key and a concurrency", () => {
  const limit = { key: "mailserver", concurrency: 1 };
  const others = { window: undefined, onConflict: "queue" } as const;
  assertEquals(checkRateLimit(limit), { ...limit, ...others });
});

Deno.test("or a window, or both", () => {
  const limit = { key: "k", limit: 10, per: "1m" };
  const window = { starts: 10, per: 60 };
  assertEquals(checkRateLimit(limit), {
    key: "k",
    concurrency: undefined,
    window,
    onConflict: "queue",
  });
  const both = checkRateLimit({ ...limit, concurrency: 2 });
  assertEquals(both, {
    ...{ key: "k", concurrency: 2, window },
    onConflict: "queue",
  });
  assertEquals(checkRateLimit({ ...limit, per: 0.5 }).window?.per, 0.5);
});

Deno.test("it is stored in RQ's fields, where it has some", () => {
  const limit = { key: "k", limit: 10, per: "1m" };
  assertEquals(rateLimitFields(checkRateLimit({ ...limit, concurrency: 2 })), [
    ["rate_limit_key", "k"],
    ["rate_limit_concurrency", 2],
    ["x_rate_starts", 10],
    ["x_rate_per", 60],
  ]);
  // without a concurrency, RQ takes the job for one that is not limited
  assertEquals(rateLimitFields(checkRateLimit(limit)).map(([name]) => name), [
    "rate_limit_key",
    "x_rate_starts",
    "x_rate_per",
  ]);
});

Deno.test.each<[OnConflict, unknown]>([
  ["queue", undefined],
  ["skip", "skip"],
  ["keepLatest", "keepLatest"],
  ["cancelRunning", "cancelRunning"],
])('onConflict "%s" goes with a concurrency of 1', (onConflict, stored) => {
  const checked = checkRateLimit({ key: "k", concurrency: 1, onConflict });
  const fields = new Map(rateLimitFields(checked));
  assertEquals(fields.get("x_on_conflict"), stored as string | undefined);
});

Deno.test("the key of a queue's rate limit is the queue's name, unless it has another", () => {
  assertEquals(checkQueueRateLimit({ concurrency: 1 }, "mail").key, "mail");
  const other = { concurrency: 1, key: "k" };
  assertEquals(checkQueueRateLimit(other, "mail").key, "k");
});

Deno.test.each<[unknown, ErrorConstructor, string]>([
  ["k", TypeError, "expected an object of options, got string"],
  [null, TypeError, "expected an object of options, got null"],
  [{ concurrency: 1 }, TypeError, "expected text as its key, got undefined"],
  [{ key: 7, concurrency: 1 }, TypeError, "expected text as its key"],
  [{ key: "", concurrency: 1 }, RangeError, "its key is empty"],
  [{ key: "k" }, TypeError, "expected a concurrency, or a limit with its per"],
  [{ key: "k", limit: 1 }, TypeError, "there is a limit and no per"],
  [{ key: "k", per: 1 }, TypeError, "there is a per and no limit"],
  [{ key: "k", limit: 0, per: 1 }, RangeError, "as its limit, got 0"],
  [{ key: "k", limit: 1, per: 0 }, RangeError, "per of rateLimit"],
  [{ key: "k", limit: 1, per: "soon" }, RangeError, "per of rateLimit"],
  [
    { key: "k", concurrency: 1, onConflict: "stop" },
    RangeError,
    "expected queue, skip, keepLatest, cancelRunning as its onConflict, got stop",
  ],
  [
    { key: "k", concurrency: 2, onConflict: "skip" },
    TypeError,
    'its onConflict "skip" is for a concurrency of 1, got 2',
  ],
  [
    { key: "k", limit: 1, per: "1s", onConflict: "keepLatest" },
    TypeError,
    "is for a concurrency of 1, got undefined",
  ],
  [{ key: "k", concurrency: 0 }, RangeError, "got 0"],
  [{ key: "k", concurrency: 1.5 }, RangeError, "got 1.5"],
  [{ key: "k", concurrency: "2" }, RangeError, "a whole number"],
  [{ key: "k", concurrency: 1e9 }, RangeError, "got 1000000000"],
  [
    { key: "k", concurency: 1 },
    TypeError,
    'there is no option "concurency", there are key, concurrency, limit, per, onConflict',
  ],
])("rateLimit: %j is refused", (limit, error, text) => {
  assertThrows(() => checkRateLimit(limit as RateLimit), error, text);
});
