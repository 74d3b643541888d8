/**
 * Fair keys: whose job it is. How jobs of different keys take turns is in `lib/store/lua/turns.ts`.
 *
 * @module
 */

import { isQueueName } from "./names.ts";

/** What names of rate limits begin with by which jobs of a fair key take turns. Scripts tell them by it from all others. */
export const FAIR_PREFIX = "x_fair:";

/**
 * How many jobs of a fair key may be queued or running at a time where only Python workers run them, which go on with a key
 * when one of its jobs ends. With fewer, they would be idle while jobs wait; with more, others would wait for as many jobs.
 */
export const FAIR_CONCURRENCY = 10;

/** The most characters of a key. It is part of names in Redis. */
const MOST_CHARACTERS = 500;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Returns the key if it is valid: text of up to 500 characters, none of them a control character.
 *
 * @throws {RangeError | TypeError} If it is not.
 */
export function checkFairKey(key: string): string {
  if (typeof key !== "string") {
    throw new TypeError(
      `Cannot use fairKey: expected text such as "tenant-7", got ${typeof key}`,
    );
  }
  if (key === "") throw new RangeError("Cannot use fairKey: it is empty");
  if (key.length > MOST_CHARACTERS) {
    throw new RangeError(
      `Cannot use fairKey: it has ${key.length} characters, more than ${MOST_CHARACTERS}`,
    );
  }
  if (!isQueueName(key)) {
    throw new RangeError(
      `Cannot use fairKey ${JSON.stringify(key)}: it has a control character`,
    );
  }
  return key;
}

/**
 * The name of the rate limit by which the jobs of a key take turns on a queue. Both may have colons, so the length of the
 * first, in bytes, tells where it ends.
 */
export function fairLimit(queue: string, key: string): string {
  return `${FAIR_PREFIX}${encoder.encode(queue).length}:${queue}:${key}`;
}

/** Whether a rate limit has such a name. */
export function isFairLimit(limit: string): boolean {
  return limit.startsWith(FAIR_PREFIX);
}

/** The queue in such a name; `undefined` if it is none. */
export function queueOfFairLimit(limit: string): string | undefined {
  if (!isFairLimit(limit)) return undefined;
  const [, digits, rest] =
    /^(\d{1,5}):(.*)$/s.exec(limit.slice(FAIR_PREFIX.length)) ?? [];
  const bytes = encoder.encode(rest ?? "");
  const length = Number(digits);
  return bytes[length] === ":".charCodeAt(0)
    ? decoder.decode(bytes.subarray(0, length))
    : undefined;
}
