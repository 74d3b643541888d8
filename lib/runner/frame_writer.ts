/**
 * The subprocess's side of the frames, which runs in the realm of the job.
 *
 * The token is in the bytes of this module's buffers and nowhere else. They are reached by index, handed to functions
 * that were there before the job, and never become `this` of anything that it can patch: what it calls, reads
 * and overrides shows it none of them. A job that may read the memory of its process (`/proc/self/mem`, a
 * debugger, native code) is beyond that, which is why the worker takes each frame for hostile.
 *
 * @module
 */

import {
  bufferOfBytes,
  Bytes,
  copyBytes,
  lengthOfBytes,
  offsetOfBytes,
} from "../base/primordials.ts";
import {
  FRAME_SIZE,
  HEADER_SIZE,
  KINDS,
  LAST_FRAME,
  MARK_SIZE,
  markOf,
  type MessageKind,
} from "./frames.ts";

const PAYLOAD_SIZE = FRAME_SIZE - HEADER_SIZE;
const NOTHING = new Uint8Array();

const KIND_NUMBERS: Readonly<Record<MessageKind, number>> = Object.freeze(
  Object.assign(
    Object.create(null),
    Object.fromEntries(KINDS.map((kind, i) => [kind, i])),
  ),
);

/** Takes whole frames: the first `length` bytes of a buffer, which hold only during the call. */
export type WriteFrames = (buffer: ArrayBuffer, length: number) => void;

/** Writes messages as frames. */
export class FrameWriter {
  readonly #write: WriteFrames;
  readonly #mark: Uint8Array;
  readonly #buffer: ArrayBuffer = new ArrayBuffer(FRAME_SIZE);
  readonly #bytes: Uint8Array = new Bytes(this.#buffer);
  #length = 0;

  /**
   * Writes nothing yet.
   *
   * @param token shared with the parser and nobody else
   */
  constructor(token: Uint8Array, write: WriteFrames) {
    this.#mark = markOf(token);
    this.#write = write;
  }

  /** Writes one message at once, in as many frames as it needs. */
  send(kind: MessageKind, run: number, payload: Uint8Array = NOTHING): void {
    this.add(kind, run, payload);
    this.flush();
  }

  /** Adds one message to those that {@linkcode FrameWriter.flush} writes; what does not fit is written before. */
  add(kind: MessageKind, run: number, payload: Uint8Array = NOTHING): void {
    const length = lengthOfBytes(payload);
    const buffer = bufferOfBytes(payload);
    const offset = offsetOfBytes(payload);
    let from = 0;
    let number = 0;
    do {
      const left = length - from;
      const size = left < PAYLOAD_SIZE ? left : PAYLOAD_SIZE;
      if (this.#length + HEADER_SIZE + size > FRAME_SIZE) this.flush();
      const last = left === size ? LAST_FRAME : 0;
      const at = this.#length;
      this.#header(at, kind, run, (number++ | last) >>> 0, size);
      copyBytes(
        this.#bytes,
        new Bytes(buffer, offset + from, size),
        at + HEADER_SIZE,
      );
      this.#length = at + HEADER_SIZE + size;
      from += size;
    } while (from < length);
  }

  /** Writes what was added. */
  flush(): void {
    if (this.#length === 0) return;
    const length = this.#length;
    this.#length = 0;
    this.#write(this.#buffer, length);
  }

  #header(
    at: number,
    kind: MessageKind,
    run: number,
    number: number,
    size: number,
  ): void {
    const bytes = this.#bytes;
    for (let i = 0; i < MARK_SIZE; i++) bytes[at + i] = this.#mark[i]!;
    bytes[at + MARK_SIZE] = KIND_NUMBERS[kind];
    this.#put(at + MARK_SIZE + 1, 4, run);
    this.#put(at + MARK_SIZE + 5, 4, number);
    this.#put(at + MARK_SIZE + 9, 2, size);
  }

  /** Big-endian. */
  #put(at: number, width: number, value: number): void {
    for (let i = 0; i < width; i++) {
      this.#bytes[at + i] = value >>> (8 * (width - 1 - i));
    }
  }
}
