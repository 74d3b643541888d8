/** Waiting for a condition instead of for a length of time. */

import { assertEquals, equal } from "@std/assert";

/** A deadline only ends what would never end: it costs nothing where all is well, on a busy machine too. */
const DEADLINE = 60_000;

/** How {@linkcode waitFor} waits. */
export interface WaitForOptions {
  /** Milliseconds until it gives up. @default 60_000 */
  readonly timeout?: number;
  /** Milliseconds between two looks. @default 10 */
  readonly interval?: number;
  /** What is awaited, for the error. @default the condition's code */
  readonly message?: string | (() => string);
}

/** What a condition returns when it holds. */
export type Truthy<T> = Exclude<T, false | 0 | 0n | "" | null | undefined>;

/** Asks again and again until the answer is truthy, and returns it. */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitForOptions = {},
): Promise<Truthy<T>> {
  const { timeout = DEADLINE, interval = 10, message } = options;
  const deadline = performance.now() + timeout;
  for (;;) {
    const answer = await condition();
    if (answer) return answer as Truthy<T>;
    if (performance.now() > deadline) break;
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
  const text = typeof message === "function" ? message() : message;
  throw new Error(
    `Waited ${timeout} ms in vain: ${text ?? String(condition)}`,
  );
}

/**
 * Reads again and again until what is read equals what is expected: for a fact that
 * one source may know a moment later than another.
 */
export async function waitForEqual<T>(
  read: () => T | Promise<T>,
  expected: T,
  options: Omit<WaitForOptions, "message"> = {},
): Promise<void> {
  const { timeout = DEADLINE, interval = 10 } = options;
  const deadline = performance.now() + timeout;
  for (;;) {
    const actual = await read();
    if (equal(actual, expected)) return;
    if (performance.now() > deadline) {
      assertEquals(actual, expected, `Waited ${timeout} ms in vain`);
    }
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
}
