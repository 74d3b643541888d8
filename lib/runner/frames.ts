/**
 * The frames in which a subprocess answers, on the same pipes to which its job
 * prints whatever it likes.
 *
 * A frame is a mark, a kind, two numbers and at most {@linkcode FRAME_SIZE} bytes in
 * all. Frames are written one by one or several together, never more than
 * {@linkcode FRAME_SIZE} bytes at once, so that a write is atomic on a pipe: nothing that a
 * grandchild prints at the same time can land inside a frame. The mark holds a token of 128 random
 * bits which the job never sees, so that nothing it prints can be taken for a frame. Bytes that lack it
 * are output, whatever they look like.
 *
 * ```text
 * 0xFF  token (16)  kind (1)  run (4)  number and last flag (4)  length (2)  payload
 * ```
 *
 * The mark starts with a byte that no UTF-8 text contains: whatever text was
 * printed so far is passed on at once, without waiting for what follows.
 *
 * The side that writes runs in the realm of the job. The token is in the bytes of its buffers and nowhere
 * else. They are reached by index, handed to functions that were there before the job, and never become `this` of anything
 * that it can patch: what it calls, reads and overrides shows it none of them. A job that may read the memory of
 * its process (`/proc/self/mem`, a debugger, native code) is beyond that, which is why the worker
 * takes each frame for hostile.
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

/** The longest frame, and the longest write, in bytes; POSIX promises only 512 for an atomic write, Linux 4096. */
export const FRAME_SIZE: number = Deno.build.os === "linux" ? 4_096 : 512;

/** The length of a token in bytes. */
export const TOKEN_SIZE = 16;

/** The length of the mark in bytes. */
export const MARK_SIZE: number = 1 + TOKEN_SIZE;

/** The length of all that is before the payload, in bytes. */
export const HEADER_SIZE: number = MARK_SIZE + 1 + 4 + 4 + 2;

/** Set in the number of a message's last frame. */
export const LAST_FRAME = 0x8000_0000;

/**
 * What a message says.
 *
 * - `ready`: the subprocess waits for jobs
 * - `started`: it has this run's job and those of all runs before it, and is about to load them
 * - `call`: a request to the worker, JSON
 * - `success`: the function returned; its result as JSON, empty for `undefined`
 * - `failure`: it did not, JSON
 * - `stopping`: the job has been asked to stop: its process is not blocked
 * - `exit`: the subprocess is ending by `Deno.exit()`
 * - `uncaught`: an error was left unhandled, of one of several runs: it is not known of which
 * - `late`: an error was left unhandled by a run that had answered before, 0 if it is not known by which; one line of text
 * - `answered`: so much for the answers; what was printed before ends with the mark of this number, 0 for none
 * - `unloaded`: the module that it was to load ahead of time cannot be loaded so
 * - `full`: it has grown beyond its limit of memory
 * - `end`: a mark on stderr: no more output of the job follows on this pipe
 */
export type MessageKind =
  | "ready"
  | "started"
  | "call"
  | "success"
  | "failure"
  | "stopping"
  | "exit"
  | "uncaught"
  | "late"
  | "answered"
  | "unloaded"
  | "full"
  | "end";

/** All of them; a frame holds the index. */
export const KINDS: readonly MessageKind[] = [
  "ready",
  "started",
  "call",
  "success",
  "failure",
  "stopping",
  "exit",
  "uncaught",
  "late",
  "answered",
  "unloaded",
  "full",
  "end",
];

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

/** What each frame begins with. */
export function markOf(token: Uint8Array): Uint8Array {
  if (token.length !== TOKEN_SIZE) {
    throw new RangeError(
      `Cannot use token: expected ${TOKEN_SIZE} bytes, got ${token.length}`,
    );
  }
  const mark = new Uint8Array(MARK_SIZE);
  mark[0] = 0xff;
  mark.set(token, 1);
  return mark;
}
