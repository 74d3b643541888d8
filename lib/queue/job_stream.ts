/**
 * Behind `job.stream()`.
 *
 * @module
 */

import { optionNames, refuseUnknown } from "../base/options.ts";
import { decodeJsonFor } from "../job/json.ts";
import { hasEnded, statusOfText } from "../job/status.ts";
import type { StreamEntry } from "../store/parts.ts";
import type { Context } from "./context.ts";
import { noSuchJob, waitForResult } from "./wait.ts";

/** Options of {@linkcode Job.stream}. */
export interface StreamOptions {
  /**
   * The `position` up to which the parts are known.
   *
   * @default the beginning
   */
  readonly from?: string | null;
  /** Ends the reading: the iteration throws its reason. The job is not affected. */
  readonly signal?: AbortSignal;
  /**
   * Called when the job has begun anew after some of its parts were read: these no longer count, and those of its next run
   * follow.
   *
   * @default the iteration throws an `Error`
   */
  readonly onRestart?: () => void;
}

const OPTIONS = optionNames<StreamOptions>({
  from: true,
  signal: true,
  onRestart: true,
});

/** The id of an entry, which is what a position is. Numbers of 20 digits may be too large for Redis, and no entry has them. */
const POSITION = /^\d{1,19}-\d{1,19}$/;

/** The parts that a job yields, from the first one on, or from the one after {@linkcode StreamOptions.from}. */
export class JobStream<P> implements AsyncIterableIterator<P> {
  readonly #context: Context;
  readonly #id: string;
  readonly #options: StreamOptions;
  readonly #parts: AsyncGenerator<P, undefined>;
  #position: string;
  /** Whether the reader has parts of an earlier run. */
  #hasParts: boolean;

  /** Internal. Use {@linkcode Job.stream}. */
  constructor(context: unknown, id: string, options: StreamOptions) {
    const cannot = `Cannot stream job "${id}"`;
    refuseUnknown(options, OPTIONS, cannot);
    const from = options.from ?? "0-0";
    if (!POSITION.test(from)) {
      throw new RangeError(`${cannot}: "${from}" is no position in a stream`);
    }
    this.#context = context as Context;
    this.#id = id;
    this.#options = options;
    this.#position = from;
    this.#hasParts = from !== "0-0";
    this.#parts = this.#read();
  }

  /** Where the reading has come to: pass it as `from`, also elsewhere, to go on after the last part. */
  get position(): string {
    return this.#position;
  }

  /** The next part. */
  next(): Promise<IteratorResult<P, undefined>> {
    return this.#parts.next();
  }

  /** Ends the reading. */
  return(): Promise<IteratorResult<P, undefined>> {
    return this.#parts.return(undefined);
  }

  /** The stream itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  async *#read(): AsyncGenerator<P, undefined> {
    const { signal } = this.#options;
    const { streams, store } = this.#context;
    const key = store.keys.stream(this.#id);
    let isOver = false;
    while (!isOver) {
      const entries = await streams.read(key, this.#position, signal);
      for (const entry of entries) {
        const part = this.#take(entry);
        if (part !== undefined) yield this.#decode(part);
      }
      const end = entries.length === 0 ? "" : entries.at(-1)!.fields.get("end");
      // A job that has failed may have been requeued since.
      if (end !== undefined) {
        isOver = end === "finished" || await this.#isOver(key);
      }
    }
  }

  /** Takes note of an entry; gives its part, if it is one. */
  #take({ id, fields }: StreamEntry): string | undefined {
    this.#position = id;
    const part = fields.get("part");
    if (part !== undefined) this.#hasParts = true;
    if (fields.has("attempt")) this.#restart();
    return part;
  }

  #restart(): void {
    if (!this.#hasParts) return;
    this.#hasParts = false;
    const { onRestart } = this.#options;
    if (onRestart !== undefined) return onRestart();
    throw new Error(
      `Cannot go on with the stream of job "${this.#id}": the job has begun anew, and the parts that were read no longer count`,
    );
  }

  #decode(part: string): P {
    const label = `a part of job "${this.#id}"`;
    return decodeJsonFor(part, label, this.#context) as P;
  }

  /** Whether no more parts will come. Throws if the job has failed, or will not run. */
  async #isOver(key: string): Promise<boolean> {
    const { store, streams } = this.#context;
    const state = await store.state(this.#id);
    const status = state.exists ? statusOfText(state.status) : null;
    const isOver = !state.exists || hasEnded(status);
    // What has been yielded before the end that was just seen comes first.
    if (!isOver || await this.#hasMore(key, streams)) return false;
    if (status === "finished") return true;
    if (!state.exists) throw noSuchJob(this.#id);
    const { signal } = this.#options;
    await waitForResult(this.#context, this.#id, signal ? { signal } : {});
    return true;
  }

  async #hasMore(key: string, streams: Context["streams"]): Promise<boolean> {
    return (await streams.look(key, this.#position)).length > 0;
  }
}
