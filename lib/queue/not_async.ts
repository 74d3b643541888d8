/**
 * Queues that run their jobs at once, in this process: RQ's `is_async=False`. What runs them is loaded by tests only, and
 * says so here.
 *
 * @module
 */

import type { Context } from "./context.ts";

let make: ((bigInts: boolean) => Context) | undefined;

/** Provides what makes the contexts of such queues. */
export function provideNotAsync(maker: typeof make): void {
  make = maker;
}

/**
 * A context whose store runs jobs as they are enqueued.
 *
 * @throws {TypeError} If nothing does that in this program.
 */
export function notAsyncContext(action: string, bigInts: boolean): Context {
  if (make !== undefined) return make(bigInts);
  throw new TypeError(
    `${action} with isAsync false: import "@deno-rq/rq/testing" in the test, which has what runs jobs in this process`,
  );
}
