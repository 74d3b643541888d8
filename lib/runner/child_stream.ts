/**
 * Sends what a job yields to the worker. Loaded when a job yields.
 *
 * @module
 */

import { encodeJson, type JsonOptions } from "../job/json.ts";
import { MOST_PART, PARTS_AT_ONCE, SIZE_AT_ONCE } from "../job/parts.ts";

/** Sends parts, as JSON. */
export type Emit = (parts: readonly string[]) => Promise<void>;

/** What a job returns that yields: the object of a generator, or anything else that can be iterated asynchronously. */
export type Yielding = AsyncIterable<unknown> | Iterable<unknown>;

/** How many characters of JSON may wait to be sent, before the job has to wait. */
const MOST_WAITING = 2 * SIZE_AT_ONCE;

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
      await sender.add(partOf(value, `part ${n}`, json));
    }
  } catch (error) {
    await sender.sent().catch(() => undefined); // what came before the error is of use
    await closeQuietly(iterator);
    throw error;
  }
}

/** What a generator throws while it is closed after an error says less than that error, as with `for await`. */
async function closeQuietly(
  iterator: Iterator<unknown> | AsyncIterator<unknown>,
): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    // see above
  }
}

function partOf(value: unknown, label: string, json: JsonOptions): string {
  const part = encodeJson(value === undefined ? null : value, label, json);
  if (part.length <= MOST_PART) return part;
  throw new RangeError(
    `Cannot stream ${label}: it has ${part.length} characters of JSON, more than ${MOST_PART}`,
  );
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

  /** Takes as many as go together. */
  #take(): string[] {
    const waiting = this.#waiting;
    let [count, size] = [0, 0];
    while (
      count < waiting.length && count < PARTS_AT_ONCE && size < SIZE_AT_ONCE
    ) size += waiting[count++]!.length;
    this.#size -= size;
    return waiting.splice(0, count);
  }

  async #send(): Promise<void> {
    await undefined; // what comes in the same turn goes along
    const parts = this.#take();
    try {
      await this.#emit(parts);
    } catch (error) {
      this.#failure = { error };
      this.#waiting.length = this.#size = 0;
    }
    this.#sending = this.#waiting.length > 0 ? this.#send() : undefined;
  }
}
