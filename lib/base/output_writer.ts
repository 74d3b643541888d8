/**
 * Writes to stdout or stderr, which may be slow, full or closed, without ever waiting for them.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { pause, resolvesWithin } from "./timers.ts";

/** Where an {@linkcode OutputWriter} writes to, such as `Deno.stdout`. */
export interface OutputTarget {
  /** Writes some of the bytes and returns how many. */
  write(bytes: Uint8Array): Promise<number>;
}

/** The options of an {@linkcode OutputWriter}. */
export interface OutputWriterOptions {
  /** The most bytes of lines that wait; further lines are dropped. @default 1 MB */
  readonly capacity?: number;
  /** Milliseconds without progress after which {@linkcode OutputWriter.write} stops waiting. @default 5_000 */
  readonly patience?: number;
}

/** What could not be written. */
export interface Dropped {
  /** How many lines. */
  readonly lines: number;
  /** How many bytes of other output. */
  readonly bytes: number;
  /** The operating system's reason. */
  readonly why: string;
}

interface Chunk {
  readonly bytes: Uint8Array;
  readonly isLine: boolean;
  /** Called once it is written or dropped. */
  readonly done?: () => void;
}

const encoder = new TextEncoder();

const UNREAD = "nobody reads it, or not fast enough";
/** Milliseconds until a non-blocking stream that is full is tried again. */
const BUSY_MS = 10;
/** The most bytes of one write. */
const MAX_WRITE = 64 * 1024;

/**
 * A writer for one stream. Lines are queued and written in order; what cannot be written is dropped and counted.
 * Never throws.
 *
 * `writeAll()` of `@std/io` is no help: it waits for as long as it takes, and throws where a stream that does not
 * block is full.
 */
export class OutputWriter {
  readonly #target: OutputTarget;
  readonly #capacity: number;
  readonly #patience: number;
  #queue: Chunk[] = [];
  /** How many bytes of lines are in the queue. */
  #waiting = 0;
  #writing: Promise<void> | undefined;
  /** When the current write last made progress. */
  #since = Infinity;
  #lines = 0;
  #bytes = 0;
  #why = "";
  /** Called when writing works again, after something was dropped. */
  onRecovered: ((dropped: Dropped) => void) | undefined;

  /** Writes nothing yet. */
  constructor(target: OutputTarget, options: OutputWriterOptions = {}) {
    this.#target = target;
    this.#capacity = options.capacity ?? 1024 * 1024;
    this.#patience = options.patience ?? 5_000;
  }

  /** Queues a line, to which it adds a newline. Returns at once. */
  print(line: string): void {
    const bytes = encoder.encode(`${line}\n`);
    if (this.#waiting + bytes.length > this.#capacity) {
      this.#drop({ bytes, isLine: true }, UNREAD);
      return;
    }
    this.#waiting += bytes.length;
    this.#add({ bytes, isLine: true });
  }

  /**
   * Writes bytes without keeping or copying them: once this resolves, they have been written or dropped. It waits
   * for a slow stream, but not for one that takes nothing for `patience`.
   */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#isStuck) return this.#drop({ bytes, isLine: false }, UNREAD);
    const { promise, resolve } = Promise.withResolvers<void>();
    const chunk = { bytes, isLine: false, done: resolve };
    this.#add(chunk);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      if (!this.#forget(chunk)) timer = setTimeout(look, this.#patience / 4);
    };
    timer = setTimeout(look, this.#patience / 4);
    await promise;
    clearTimeout(timer);
  }

  /** Waits at most `most` milliseconds until everything is written or dropped; returns whether it is. */
  async flush(most: number): Promise<boolean> {
    return await resolvesWithin(this.#idle(), most);
  }

  /** What has been dropped since the last call, or `undefined`. */
  takeDropped(): Dropped | undefined {
    if (this.#lines + this.#bytes === 0) return undefined;
    const dropped = { lines: this.#lines, bytes: this.#bytes, why: this.#why };
    this.#lines = this.#bytes = 0;
    return dropped;
  }

  /** Whether the current write has made no progress for too long. */
  get #isStuck(): boolean {
    return performance.now() - this.#since >= this.#patience;
  }

  async #idle(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  #add(chunk: Chunk): void {
    this.#queue.push(chunk);
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    await undefined; // lines printed in one turn of the event loop go in one write
    while (this.#queue.length > 0) {
      const chunks = this.#next();
      await this.#writeChunks(chunks);
      for (const { done } of chunks) done?.();
    }
    this.#since = Infinity;
    this.#writing = undefined;
  }

  /** Takes as many chunks off the queue as fit in one write. */
  #next(): Chunk[] {
    let size = 0;
    let count = 0;
    for (const { bytes } of this.#queue) {
      if (count > 0 && size + bytes.length > MAX_WRITE) break;
      size += bytes.length;
      count++;
    }
    const chunks = this.#queue.splice(0, count);
    for (const { isLine, bytes } of chunks) {
      if (isLine) this.#waiting -= bytes.length;
    }
    return chunks;
  }

  async #writeChunks(chunks: readonly Chunk[]): Promise<void> {
    // A copy: a caller that has stopped waiting may reuse its buffer while it is being written.
    let rest: Uint8Array = Buffer.concat(chunks.map(({ bytes }) => bytes));
    this.#since = performance.now();
    while (rest.length > 0) {
      try {
        const written = await this.#target.write(rest);
        if (written > 0) this.#since = performance.now();
        rest = rest.subarray(written);
      } catch (error) {
        if (error instanceof Deno.errors.WouldBlock) {
          await pause(BUSY_MS);
          continue;
        }
        const why = error instanceof Error ? error.message : String(error);
        for (const chunk of chunks) this.#drop(chunk, why);
        return;
      }
    }
    const dropped = this.onRecovered && this.takeDropped();
    if (dropped !== undefined) this.onRecovered?.(dropped);
  }

  /** Drops a chunk that is queued behind a stuck write; returns whether the chunk is settled. */
  #forget(chunk: Chunk): boolean {
    if (!this.#isStuck) return false;
    const at = this.#queue.indexOf(chunk);
    if (at >= 0) {
      this.#queue.splice(at, 1);
      this.#drop(chunk, UNREAD);
    }
    chunk.done?.(); // if it is being written, a copy is
    return true;
  }

  #drop({ bytes, isLine }: Chunk, why: string): void {
    this.#why = why;
    if (isLine) this.#lines++;
    else this.#bytes += bytes.length;
  }
}
