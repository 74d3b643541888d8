/**
 * Reads one of a subprocess's pipes to its end: what the job printed goes on to
 * where its output goes, messages to whoever runs it.
 *
 * @module
 */

import { refuseMessage } from "./child_messages.ts";
import { FrameParser } from "./frame_parser.ts";
import type { MessageKind } from "./frames.ts";

/** Takes a message of a subprocess; `run` is the number of the run that it is about, 0 for none. */
export type MessageHandler = (
  kind: MessageKind,
  run: number,
  payload: Uint8Array,
) => void;

/** What a pump does with what it reads. */
export interface PumpOptions {
  /** The token of the frames. */
  readonly token: Uint8Array;
  /** Takes what the job printed, which is only valid until it is done; awaited, so that the pipe fills while it is slow. */
  readonly onOutput: (bytes: Uint8Array) => Promise<void>;
  /** Takes a message. What it throws ends the reading, as a malformed frame does. */
  readonly onMessage: MessageHandler;
  /** Told what ended the reading before the end of the pipe: the subprocess cannot be understood any more. */
  readonly onBroken: (error: unknown) => void;
}

/** No pipe holds more than this: what was written before a moment has been read once so much came after. */
const PIPE_CAPACITY = 1024 * 1024;
/** Milliseconds without a byte after which nothing more is expected of a dead process's pipe. */
const QUIET = 100;
const POLL = 20;
const BUFFER_SIZE = 64 * 1024;

/** Passes one pipe on, until its end or until it is closed. */
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
   * Waits until a promise resolves, the pipe ends, or all has been read that a
   * process, dead by now, can have left in it. A grandchild may hold the pipe open for ever.
   */
  async drain(until?: Promise<void>): Promise<void> {
    const ended = Promise.race(
      until === undefined ? [this.done] : [this.done, until],
    ).then(() => true);
    const limit = this.#bytes + PIPE_CAPACITY;
    const from = performance.now();
    for (;;) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const tick = new Promise<false>((resolve) => {
        timer = setTimeout(() => resolve(false), POLL);
      });
      const over = await Promise.race([ended, tick]);
      clearTimeout(timer);
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
    // One buffer for all reads: a new one for each would cost more than most of the messages.
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
