/**
 * What is told to somebody who takes it at his own pace.
 *
 * @module
 */

import { deferred } from "./deferred.ts";

/** The most items that wait; whoever is slower than that misses some. */
const MOST = 10_000;

/**
 * A buffer between one who tells, and never waits, and one who takes. It is bounded: if too much waits, all of that is
 * dropped, since a part of it would be of no more use than none.
 */
export class Mailbox<T> {
  readonly #most: number;
  #items: T[] = [];
  #hasMissed = false;
  #end: { readonly error: unknown } | undefined;
  #isClosed = false;
  #wake: (() => void) | undefined;

  /** Starts empty; at most so many items wait. */
  constructor(most: number = MOST) {
    this.#most = most;
  }

  /** Adds an item. */
  add(item: T): void {
    if (this.#items.length >= this.#most) return this.miss();
    this.#items.push(item);
    this.#wake?.();
  }

  /** Drops what waits: something was missed. */
  miss(): void {
    this.#items = [];
    this.#hasMissed = true;
    this.#wake?.();
  }

  /** Ends it once everything that waits is taken. */
  close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }

  /** Has the next call of {@linkcode Mailbox.take} throw an error. */
  fail(error: unknown): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  /** Whether nothing will come any more. */
  get isOver(): boolean {
    return this.#isClosed && this.#items.length === 0 && !this.#hasMissed;
  }

  /** Whether something was missed since the last call of this. */
  takeMissed(): boolean {
    const missed = this.#hasMissed;
    this.#hasMissed = false;
    return missed;
  }

  /** Takes what waits. If that is nothing, it waits until there is something, or nothing will come, at most for some milliseconds. */
  async take(ms: number = Infinity): Promise<T[]> {
    if (this.#items.length === 0) await this.#wait(ms);
    if (this.#end !== undefined) throw this.#end.error;
    const items = this.#items;
    this.#items = [];
    return items;
  }

  async #wait(ms: number): Promise<void> {
    if (this.#hasMissed || this.#isClosed || this.#end !== undefined) return;
    const { promise, resolve } = deferred<void>();
    const timer = ms === Infinity ? undefined : setTimeout(resolve, ms);
    this.#wake = resolve;
    await promise;
    this.#wake = undefined;
    clearTimeout(timer);
  }
}
