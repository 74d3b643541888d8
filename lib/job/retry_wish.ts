/**
 * What a job says about being tried again, on its way from what it throws to the worker.
 *
 * @module
 */

/** Whether a job wants to be tried again after this failure. */
export type RetryWish =
  | { readonly type: "never" }
  | {
    readonly type: "again";
    /** After so many seconds. */
    readonly in?: number;
    /** So often in all, at most. */
    readonly max?: number;
  };

/** The property under which errors have it. */
export const RETRY_WISH: unique symbol = Symbol.for("deno-rq.retry");

/** The wish that a thrown or returned value holds. Never throws. */
export function retryWishOf(value: unknown): RetryWish | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    return checkRetryWish((value as { [RETRY_WISH]?: unknown })[RETRY_WISH]);
  } catch {
    return undefined; // a proxy, or a getter of the job's
  }
}

/** A wish, if that is what a value is: a job can make up any. */
export function checkRetryWish(value: unknown): RetryWish | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const wish = value as Record<string, unknown>;
  const { type, max } = wish;
  const seconds = wish["in"];
  if (type === "never") return { type };
  if (type !== "again") return undefined;
  const isIn = typeof seconds === "number" && seconds >= 0;
  const isMax = typeof max === "number" && max >= 1;
  if (seconds !== undefined && !isIn || max !== undefined && !isMax) {
    return undefined;
  }
  return {
    type,
    ...(isIn ? { in: seconds } : {}),
    ...(isMax ? { max } : {}),
  };
}
