/**
 * Parses frames, on the worker's side.
 *
 * @module
 */

import {
  FRAME_SIZE,
  HEADER_SIZE,
  KINDS,
  LAST_FRAME,
  MARK_SIZE,
  markOf,
  type MessageKind,
} from "./frames.ts";

/** The largest message in bytes: a result of 64 MB, or a call with arguments of 64 MB, and some more. */
const MAX_MESSAGE_SIZE = 65 * 1024 * 1024;

/** What the parser found: output of the job, or a whole message. */
export type FrameEvent =
  | { readonly type: "output"; readonly bytes: Uint8Array }
  | {
    readonly type: "message";
    readonly kind: MessageKind;
    /** The number of the run that it is about; 0 for none. */
    readonly run: number;
    readonly payload: Uint8Array;
  }
  /** A frame with the right token is malformed, so that the rest of the stream cannot be parsed. */
  | { readonly type: "malformed" };

/** Separates frames from output in a stream of bytes, in linear time. */
export class FrameParser {
  readonly #mark: Uint8Array;
  /** How far to skip after a mismatch, by the byte at the position of the mark's last one (Horspool). */
  readonly #skip: Uint8Array = new Uint8Array(256).fill(MARK_SIZE);
  #rest: Uint8Array = new Uint8Array();
  /** The payloads so far of a message whose last frame has not come. */
  #parts: Uint8Array[] = [];
  #size = 0;
  #kind: MessageKind | undefined;
  #run = 0;

  /**
   * Looks for the frames of one writer.
   *
   * @param token The writer's token.
   */
  constructor(token: Uint8Array) {
    this.#mark = markOf(token);
    for (let i = 0; i < MARK_SIZE - 1; i++) {
      this.#skip[this.#mark[i]!] = MARK_SIZE - 1 - i;
    }
  }

  /** Parses the next bytes. The result may share memory with `chunk`. */
  push(chunk: Uint8Array): FrameEvent[] {
    const bytes = this.#rest.length === 0 ? chunk : concat([this.#rest, chunk]);
    const events: FrameEvent[] = [];
    let from = 0;
    for (;;) {
      const at = this.#find(bytes, from);
      if (at > from) {
        events.push({ type: "output", bytes: bytes.subarray(from, at) });
      }
      const end = endOfFrame(bytes, at);
      if (end > bytes.length) {
        // A copy: the rest must not keep a large chunk alive.
        this.#rest = bytes.slice(at);
        return events;
      }
      const message = this.#take(bytes.subarray(at, end));
      if (message !== undefined) events.push(message);
      if (message?.type === "malformed") return events;
      from = end;
    }
  }

  /** Ends the stream: bytes that were held back as a possible start of a frame are output. */
  flush(): FrameEvent[] {
    const bytes = this.#rest;
    this.#rest = new Uint8Array();
    return bytes.length === 0 ? [] : [{ type: "output", bytes }];
  }

  /** Where the next mark starts, or a beginning of one at the very end. */
  #find(bytes: Uint8Array, from: number): number {
    const mark = this.#mark;
    const tail = mark[MARK_SIZE - 1]!;
    let at = from;
    while (at + MARK_SIZE <= bytes.length) {
      const byte = bytes[at + MARK_SIZE - 1]!;
      if (byte === tail && matches(bytes, at, mark)) return at;
      at += this.#skip[byte]!;
    }
    for (at = Math.max(from, bytes.length - MARK_SIZE + 1);; at++) {
      if (at >= bytes.length || matches(bytes, at, mark)) {
        return Math.min(at, bytes.length);
      }
    }
  }

  /** Parses a frame. All of it is checked: a job may have got hold of the token. */
  #take(frame: Uint8Array): FrameEvent | undefined {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    const run = view.getUint32(MARK_SIZE + 1);
    const number = view.getUint32(MARK_SIZE + 5);
    const kind = KINDS[frame[MARK_SIZE]!];
    const isFirst = this.#parts.length === 0;
    this.#size += frame.length - HEADER_SIZE;
    if (
      kind === undefined || frame.length > FRAME_SIZE ||
      (number & ~LAST_FRAME) >>> 0 !== this.#parts.length ||
      (!isFirst && (kind !== this.#kind || run !== this.#run)) ||
      this.#size > MAX_MESSAGE_SIZE
    ) {
      return { type: "malformed" };
    }
    this.#kind = kind;
    this.#run = run;
    this.#parts.push(frame.slice(HEADER_SIZE));
    if (number < LAST_FRAME) return undefined;
    const payload = concat(this.#parts);
    this.#parts = [];
    this.#size = 0;
    return { type: "message", kind, run, payload };
  }
}

/** Whether the mark, or as much of it as fits, is at a position. */
function matches(bytes: Uint8Array, at: number, mark: Uint8Array): boolean {
  const length = Math.min(mark.length, bytes.length - at);
  for (let i = 0; i < length; i++) {
    if (bytes[at + i] !== mark[i]) return false;
  }
  return true;
}

/** Where the frame that starts at a position ends; `Infinity` if that is not known yet. */
function endOfFrame(bytes: Uint8Array, at: number): number {
  if (bytes.length - at < HEADER_SIZE) return Infinity;
  const length = bytes[at + HEADER_SIZE - 2]! << 8 |
    bytes[at + HEADER_SIZE - 1]!;
  return at + HEADER_SIZE + length;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const bytes = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
