/**
 * `Promise.withResolvers()`, which Node has from 22 on, and which a job may replace.
 *
 * @module
 */

/** As it was before any code of a job; see `primordials.ts`. */
const OwnPromise = Promise;

/** A promise, and what settles it. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T | PromiseLike<T>) => void;
  readonly reject: (reason?: unknown) => void;
}

/** Creates one. */
export function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>["resolve"] | undefined;
  let reject: Deferred<T>["reject"] | undefined;
  const promise = new OwnPromise<T>((settle, refuse) => {
    resolve = settle;
    reject = refuse;
  });
  return { promise, resolve: resolve!, reject: reject! };
}
