import { assertEquals, assertThrows } from "@std/assert";
import {
  checkFairKey,
  fairLimit,
  queueOfFairLimit,
} from "../../lib/job/fair_key.ts";
import { checkJobOptions } from "../../lib/job/options.ts";

Deno.test.each<string>([
  "tenant-7",
  "a@b.c",
  "org:7",
  "ü",
  " ",
  "x".repeat(500),
])(
  "%s is a fair key",
  (key) => {
    assertEquals(checkFairKey(key), key);
    assertEquals(checkJobOptions({ fairKey: key }).fairKey, key);
  },
);

const WRONG: [
  value: unknown,
  error: typeof RangeError | typeof TypeError,
  text: string,
][] = [
  [7, TypeError, `expected text such as "tenant-7", got number`],
  [null, TypeError, "got object"],
  ["", RangeError, "it is empty"],
  ["a\nb", RangeError, `"a\\nb": it has a control character`],
  ["x".repeat(501), RangeError, "it has 501 characters, more than 500"],
];

Deno.test.each(WRONG)("%j is no fair key", (key, error, text) => {
  const options = { fairKey: key as string };
  assertThrows(() => checkJobOptions(options), error, text);
});

Deno.test("a rate limit cannot have the name of a fair key's", () => {
  const rateLimit = { key: fairLimit("q", "a"), concurrency: 1 };
  assertThrows(
    () => checkJobOptions({ rateLimit }),
    RangeError,
    `keys that begin with "x_fair:" are those of fairKey`,
  );
});

Deno.test.each<[string, string]>([["q", "a"], ["a:b", ":"], ["ü:1", "7:ü"]])(
  "the name of the limit of queue %s and key %s tells the queue",
  (queue, key) => {
    assertEquals(queueOfFairLimit(fairLimit(queue, key)), queue);
  },
);

Deno.test.each([
  "",
  "k",
  "x_fair:",
  "x_fair:q:a",
  "x_fair:9:q:a",
  "x_fair:1:qa",
])(
  "%j is no name of a fair key's limit",
  (limit) => assertEquals(queueOfFairLimit(limit), undefined),
);
