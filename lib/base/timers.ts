/**
 * Waiting for a while.
 *
 * @module
 */

import { deferred } from "./deferred.ts";
import { type Clock, SYSTEM_CLOCK } from "./clock.ts";

/** The longest delay of a timer, in milliseconds: 24 days. A timer with a longer one fires at once. */
export const MAX_DELAY: number = 2 ** 31 - 1;

/**
 * Waits for some milliseconds, or until the signal is aborted; never rejects. A wait beyond {@linkcode MAX_DELAY} ends
 * there: whatever happens once a month may as well happen every 24 days.
 */
export function pause(
  ms: number,
  signal?: AbortSignal,
  clock: Clock = SYSTEM_CLOCK,
): Promise<void> {
  const { promise, resolve } = deferred<void>();
  if (signal?.aborted) {
    resolve();
    return promise;
  }
  const finish = () => {
    clock.clearTimeout(timer);
    signal?.removeEventListener("abort", finish);
    resolve();
  };
  const timer = clock.setTimeout(finish, Math.min(ms, MAX_DELAY));
  signal?.addEventListener("abort", finish);
  return promise;
}

/** Waits for a promise, at most for some milliseconds. Returns whether it resolved in time. */
export async function resolvesWithin(
  promise: Promise<unknown>,
  ms: number,
): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
