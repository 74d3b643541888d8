/** Waiting for a condition, rather than for some time. */

import { assertEquals, equal } from "@std/assert";

/** Generous, for busy machines: a deadline only ends what would never end, and costs nothing otherwise. */
const DEADLINE = 60_000;

/** How {@linkcode waitFor} waits. */
export interface WaitForOptions {
  /** Milliseconds until it gives up. @default 60_000 */
  readonly timeout?: number;
  /** Milliseconds between two checks. @default 10 */
  readonly interval?: number;
  /** What is being waited for, for the error. @default the condition's code */
  readonly message?: string | (() => string);
}

/** What a condition returns when it holds. */
export type Truthy<T> = Exclude<T, false | 0 | 0n | "" | null | undefined>;

/** Polls a condition until its answer is truthy, and returns the answer. */
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
 * Polls until the value equals the expected one: for a fact that one source
 * may show a moment later than another.
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
