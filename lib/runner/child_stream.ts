/**
 * Sends what a job yields to the worker. Loaded when a job yields.
 *
 * @module
 */

import { encodeJson, type JsonOptions } from "../job/json.ts";
import { PARTS_AT_ONCE } from "../job/parts.ts";

/** Sends parts, as JSON. */
export type Emit = (parts: readonly string[]) => Promise<void>;

/** What a job returns that yields: the object of a generator, or anything else that can be iterated asynchronously. */
export type Yielding = AsyncIterable<unknown> | Iterable<unknown>;

/** How many characters of JSON may wait to be sent, before the job has to wait. */
const MOST_WAITING = 256 * 1024;

/** Sends all parts; gives what the generator returns. */
export async function emitParts(
  yielding: Yielding,
  emit: Emit,
  json: JsonOptions,
): Promise<unknown> {
  const iterator = Symbol.asyncIterator in yielding
    ? yielding[Symbol.asyncIterator]()
    : yielding[Symbol.iterator]();
  const sender = new PartSender(emit);
  try {
    for (let n = 0;; n++) {
      const { done, value } = await iterator.next();
      if (done) {
        await sender.sent();
        return value;
      }
      const part = value === undefined ? null : value;
      await sender.add(encodeJson(part, `part ${n}`, json));
    }
  } catch (error) {
    await sender.sent().catch(() => undefined); // what came before the error is of use
    await iterator.return?.();
    throw error;
  }
}

/** Sends the parts that have come while the last ones were on their way, together. */
class PartSender {
  readonly #emit: Emit;
  readonly #waiting: string[] = [];
  #size = 0;
  #sending: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  /** Adds a part; waits while too many are waiting. */
  async add(part: string): Promise<void> {
    this.#waiting.push(part);
    this.#size += part.length;
    this.#sending ??= this.#send();
    while (this.#sending !== undefined && this.#isFull) await this.#sending;
    this.#check();
  }

  /** Waits until all are stored. */
  async sent(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
    this.#check();
  }

  get #isFull(): boolean {
    return this.#size > MOST_WAITING || this.#waiting.length > PARTS_AT_ONCE;
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #send(): Promise<void> {
    await undefined; // what comes in the same turn goes along
    const parts = this.#waiting.splice(0, PARTS_AT_ONCE);
    for (const { length } of parts) this.#size -= length;
    try {
      await this.#emit(parts);
    } catch (error) {
      this.#failure = { error };
      this.#waiting.length = this.#size = 0;
    }
    this.#sending = this.#waiting.length > 0 ? this.#send() : undefined;
  }
}
