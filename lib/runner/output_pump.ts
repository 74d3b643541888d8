/**
 * Reads one of a subprocess's pipes to its end, and separates the job's output
 * from messages.
 *
 * @module
 */

import { resolvesWithin } from "../base/timers.ts";
import { refuseMessage } from "./child_messages.ts";
import { FrameParser } from "./frame_parser.ts";
import type { MessageKind } from "./frames.ts";

/** Handles a message of a subprocess; `run` is the number of the run that it is about, 0 for none. */
export type MessageHandler = (
  kind: MessageKind,
  run: number,
  payload: Uint8Array,
) => void;

/** The options of an {@linkcode OutputPump}. */
export interface PumpOptions {
  /** The token of the frames. */
  readonly token: Uint8Array;
  /** Handles output; the bytes are valid until it resolves. It is awaited, so that a slow reader slows the job. */
  readonly onOutput: (bytes: Uint8Array) => Promise<void>;
  /** Handles a message. If it throws, reading ends, as after a malformed frame. */
  readonly onMessage: MessageHandler;
  /** Called with what ended reading before the end of the pipe. */
  readonly onBroken: (error: unknown) => void;
}

/** No pipe holds more: once so many bytes have been read since a moment, everything written before it has been read. */
const PIPE_CAPACITY = 1024 * 1024;
/** Milliseconds without a byte after which the pipe of a dead process counts as empty. */
const QUIET = 100;
const POLL = 20;
const BUFFER_SIZE = 64 * 1024;

/** Reads one pipe, until its end or until it is closed. */
export class OutputPump {
  /** Resolves at the end of the pipe. Never rejects. */
  readonly done: Promise<void>;
  readonly #reader: ReadableStreamBYOBReader;
  readonly #options: PumpOptions;
  #bytes = 0;
  /** When the current wait for bytes began; undefined while output is passed on. */
  #quietSince: number | undefined;

  /** Starts reading. */
  constructor(pipe: ReadableStream<Uint8Array>, options: PumpOptions) {
    this.#reader = pipe.getReader({ mode: "byob" });
    this.#options = options;
    this.done = this.#run().catch((error) => this.#break(error));
  }

  /**
   * Waits until a promise resolves, the pipe ends, or everything has been read that a dead
   * process can have left in it. The end may never come: a grandchild may hold the pipe open.
   */
  async drain(until?: Promise<void>): Promise<void> {
    const ended = Promise.race(
      until === undefined ? [this.done] : [this.done, until],
    );
    const limit = this.#bytes + PIPE_CAPACITY;
    const from = performance.now();
    for (;;) {
      const over = await resolvesWithin(ended, POLL);
      if (over || this.#bytes >= limit || this.#isQuiet(from)) return;
    }
  }

  /** Stops reading. */
  async close(): Promise<void> {
    await this.#reader.cancel().catch(() => undefined);
  }

  #break(error: unknown): Promise<void> {
    this.#options.onBroken(error);
    return this.close();
  }

  #isQuiet(from: number): boolean {
    return this.#quietSince !== undefined &&
      performance.now() - Math.max(from, this.#quietSince) > QUIET;
  }

  async #run(): Promise<void> {
    const parser = new FrameParser(this.#options.token);
    // One buffer for all reads: a new one for each would cost more than reading most messages.
    let buffer = new ArrayBuffer(BUFFER_SIZE);
    for (;;) {
      this.#quietSince = performance.now();
      const chunk = await this.#reader.read(new Uint8Array(buffer));
      this.#quietSince = undefined;
      const events = chunk.done ? parser.flush() : parser.push(chunk.value);
      for (const event of events) {
        if (event.type === "message") {
          this.#options.onMessage(event.kind, event.run, event.payload);
        } else if (event.type === "malformed") {
          refuseMessage("answer", "malformed frame");
        } else await this.#options.onOutput(event.bytes);
      }
      if (chunk.done) return;
      this.#bytes += chunk.value.length;
      buffer = chunk.value.buffer;
    }
  }
}
