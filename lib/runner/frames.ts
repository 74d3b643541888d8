/**
 * The frames in which a subprocess sends its messages, on the same pipes to which
 * its job prints.
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
 * The mark starts with a byte that UTF-8 text never contains, so that text is passed on at once, without
 * waiting for what follows.
 *
 * The writer runs in the job's realm. The token is only in the bytes of its buffers. These are accessed by index,
 * passed only to functions captured before the job was loaded, and never used as `this` of a patchable method, so
 * that no patched function ever sees them. A job that can read the memory of its process (`/proc/self/mem`,
 * a debugger, native code) can still find the token, which is why the worker validates each frame as hostile input.
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

/** The largest frame, and the largest write, in bytes. POSIX guarantees atomic writes up to 512, Linux up to 4096. */
export const FRAME_SIZE: number = Deno.build.os === "linux" ? 4_096 : 512;

/** The length of a token in bytes. */
export const TOKEN_SIZE = 16;

/** The length of the mark in bytes. */
export const MARK_SIZE: number = 1 + TOKEN_SIZE;

/** The length of everything before the payload, in bytes. */
export const HEADER_SIZE: number = MARK_SIZE + 1 + 4 + 4 + 2;

/** The bit that marks a message's last frame, in its number. */
export const LAST_FRAME = 0x8000_0000;

/**
 * The kinds of messages.
 *
 * - `ready`: the subprocess waits for jobs
 * - `started`: it has received the jobs of this run and of all runs before, and is about to load them
 * - `call`: a call to the worker, as JSON
 * - `success`: the function returned; its result as JSON, empty for `undefined`
 * - `failure`: the job failed; a `FailureMessage` as JSON
 * - `asleep`: the job sleeps, and is to be run again later
 * - `stopping`: the job's signal has been aborted, which shows that the process is not blocked
 * - `exit`: the job has called `Deno.exit()`, and the subprocess is ending
 * - `uncaught`: an unhandled error of one of several runs; it is not known of which
 * - `late`: an unhandled error of a run that has answered already, 0 if not known of which; one line of text
 * - `answered`: the end of a batch of answers; stderr up to the mark with this number belongs to it (0: no mark)
 * - `unloaded`: the module to load ahead of time failed to load
 * - `full`: the process has exceeded its memory limit
 * - `end`: a mark on stderr: what the answered jobs printed there ends here
 */
export type MessageKind =
  | "ready"
  | "started"
  | "call"
  | "success"
  | "failure"
  | "asleep"
  | "stopping"
  | "exit"
  | "uncaught"
  | "late"
  | "answered"
  | "unloaded"
  | "full"
  | "end";

/** All kinds. A frame contains the index. */
export const KINDS: readonly MessageKind[] = [
  "ready",
  "started",
  "call",
  "success",
  "failure",
  "asleep",
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

/** Writes whole frames: the first `length` bytes of a buffer, which is reused after the call. */
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
   * @param token The secret that is shared only with the parser.
   */
  constructor(token: Uint8Array, write: WriteFrames) {
    this.#mark = markOf(token);
    this.#write = write;
  }

  /** Writes a message at once, in as many frames as it needs. */
  send(kind: MessageKind, run: number, payload: Uint8Array = NOTHING): void {
    this.add(kind, run, payload);
    this.flush();
  }

  /** Adds a message to the buffer, which {@linkcode FrameWriter.flush} writes. A full buffer is written at once. */
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

  /** Writes the buffer. */
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

  /** Puts a big-endian number into the buffer. */
  #put(at: number, width: number, value: number): void {
    for (let i = 0; i < width; i++) {
      this.#bytes[at + i] = value >>> (8 * (width - 1 - i));
    }
  }
}

/** The mark with which each frame begins. */
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
