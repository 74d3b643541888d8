/**
 * Writing to a stream of the program's that may be slow, full or closed, without waiting for it.
 *
 * @module
 */

/** Where an {@linkcode OutputWriter} writes to, such as `Deno.stdout`. */
export interface OutputTarget {
  /** Writes some of the bytes; tells how many. */
  write(bytes: Uint8Array): Promise<number>;
}

/** The options of an {@linkcode OutputWriter}. */
export interface OutputWriterOptions {
  /** Bytes of lines that wait at most; further ones are dropped. @default 1 MB */
  readonly capacity?: number;
  /** Milliseconds without progress from which on nobody waits for the stream any more. @default 5_000 */
  readonly patience?: number;
}

/** What could not be written. */
export interface Dropped {
  /** Lines. */
  readonly lines: number;
  /** Bytes of other output. */
  readonly bytes: number;
  /** Why, in the words of the system. */
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
/** Milliseconds until a stream that is full, and does not block, is tried again. */
const BUSY_MS = 10;
/** Most bytes of one write. */
const MAX_WRITE = 64 * 1024;

/**
 * One stream. Lines are put in a queue and written in their order; what cannot be written is dropped and counted.
 * It never throws.
 */
export class OutputWriter {
  readonly #target: OutputTarget;
  readonly #capacity: number;
  readonly #patience: number;
  #queue: Chunk[] = [];
  /** Bytes of the lines in the queue. */
  #waiting = 0;
  #writing: Promise<void> | undefined;
  /** Since when the write under way has made no progress. */
  #since = Infinity;
  #lines = 0;
  #bytes = 0;
  #why = "";
  /** Told that something can be written again, after something could not. */
  onRecovered: ((dropped: Dropped) => void) | undefined;

  /** Writes nothing yet. */
  constructor(target: OutputTarget, options: OutputWriterOptions = {}) {
    this.#target = target;
    this.#capacity = options.capacity ?? 1024 * 1024;
    this.#patience = options.patience ?? 5_000;
  }

  /** Writes a line, a newline is put behind it. Returns at once. */
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
   * Writes bytes that are neither kept nor copied: they are written, or dropped, once this resolves. A slow stream is
   * waited for; one that takes nothing for a while is not.
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

  /** Waits until everything has been written or dropped, at most so many milliseconds; tells whether it has. */
  async flush(most: number): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), most);
    });
    const idle = (async () => {
      while (this.#writing !== undefined) await this.#writing;
      return true;
    })();
    const written = await Promise.race([idle, late]);
    clearTimeout(timer);
    return written;
  }

  /** What has been dropped since this was asked last, or `undefined`. */
  takeDropped(): Dropped | undefined {
    if (this.#lines + this.#bytes === 0) return undefined;
    const dropped = { lines: this.#lines, bytes: this.#bytes, why: this.#why };
    this.#lines = this.#bytes = 0;
    return dropped;
  }

  /** Whether the write under way has made no progress for too long. */
  get #isStuck(): boolean {
    return performance.now() - this.#since >= this.#patience;
  }

  #add(chunk: Chunk): void {
    this.#queue.push(chunk);
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    await undefined; // what is printed in one turn goes together
    while (this.#queue.length > 0) {
      const chunks = this.#next();
      await this.#writeChunks(chunks);
      for (const { done } of chunks) done?.();
    }
    this.#since = Infinity;
    this.#writing = undefined;
  }

  /** The next chunks, as many as go in one write. */
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
    // A copy: whoever is not waited for any more may change what is being written.
    let rest = join(chunks.map(({ bytes }) => bytes));
    this.#since = performance.now();
    while (rest.length > 0) {
      try {
        const written = await this.#target.write(rest);
        if (written > 0) this.#since = performance.now();
        rest = rest.subarray(written);
      } catch (error) {
        if (error instanceof Deno.errors.WouldBlock) {
          await new Promise((resolve) => setTimeout(resolve, BUSY_MS));
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

  /** Drops a chunk that waits behind a write which makes no progress; tells whether it need not be looked at again. */
  #forget(chunk: Chunk): boolean {
    if (!this.#isStuck) return false;
    const at = this.#queue.indexOf(chunk);
    if (at >= 0) {
      this.#queue.splice(at, 1);
      this.#drop(chunk, UNREAD);
    }
    chunk.done?.(); // of one under way a copy is written
    return true;
  }

  #drop({ bytes, isLine }: Chunk, why: string): void {
    this.#why = why;
    if (isLine) this.#lines++;
    else this.#bytes += bytes.length;
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  const joined = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
