import { assertEquals, assertThrows } from "@std/assert";
import { checkRateLimit, type RateLimit } from "../../lib/job/rate_limit.ts";

Deno.test("a rate limit has a key and a concurrency", () => {
  const limit = { key: "mailserver", concurrency: 1 };
  assertEquals(checkRateLimit(limit), limit);
});

Deno.test.each<[unknown, ErrorConstructor, string]>([
  ["k", TypeError, "expected an object of options, got string"],
  [null, TypeError, "expected an object of options, got null"],
  [{ concurrency: 1 }, TypeError, "expected text as its key, got undefined"],
  [{ key: 7, concurrency: 1 }, TypeError, "expected text as its key"],
  [{ key: "", concurrency: 1 }, RangeError, "its key is empty"],
  [{ key: "k" }, RangeError, "a whole number from 1 to 999999999"],
  [{ key: "k", concurrency: 0 }, RangeError, "got 0"],
  [{ key: "k", concurrency: 1.5 }, RangeError, "got 1.5"],
  [{ key: "k", concurrency: "2" }, RangeError, "a whole number"],
  [{ key: "k", concurrency: 1e9 }, RangeError, "got 1000000000"],
  [
    { key: "k", concurency: 1 },
    TypeError,
    'there is no option "concurency", there are key, concurrency',
  ],
])("rateLimit: %j is refused", (limit, error, text) => {
  assertThrows(() => checkRateLimit(limit as RateLimit), error, text);
});
