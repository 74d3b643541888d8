/**
 * Packs many texts into one argument of a script, which unpacks them with
 * `cmsgpack.unpack`. For Redis and its clients, an argument costs many times
 * more than a short text.
 *
 * @module
 */

import type { RedisArg } from "../redis/redis_client.ts";
import type { RecordNames, RecordValues } from "./records.ts";

/** Texts up to this length are encoded by hand, which is faster than the encoder. */
const BY_HAND = 256;

/** The most UTF-8 bytes of one code unit. */
const BYTES_PER_UNIT = 3;

/** The size of a block in bytes. */
const BLOCK = 65_536;

/** Values from this size on get a block of their own. */
const LONG = BLOCK / 4;

/** The size of a header: kind and length. */
const HEADER = 5;

/** MessagePack's `array 32`, `str 32` and `fixstr`, and the longest text of the last. */
const [ARRAY, STRING, SHORT_STRING, LONGEST_SHORT] = [0xdd, 0xdb, 0xa0, 31];

const encoder = new TextEncoder();

/**
 * Writes some values and then a list of lists in MessagePack. Numbers become
 * decimal text, as in any command. `take()` returns a view into a block that many
 * calls share: allocating an array per job costs more than encoding the job.
 */
export class Packer {
  #block = new Uint8Array(BLOCK);
  #start = 0;
  #at = 0;
  #listsAt = 0;
  #count = 0;

  /** Begins a new text, with the values of a record before the lists, if one is given. */
  begin<N extends RecordNames>(names?: N, values?: RecordValues<N>): void {
    this.#at = this.#start;
    this.#count = 0;
    if (names && values) this.#values(names, values, names.length);
    this.#reserve(HEADER);
    this.#listsAt = this.#at;
    this.#at += HEADER;
  }

  /** How many bytes have been written. */
  get length(): number {
    return this.#at - this.#start;
  }

  /** Begins another list of so many values. */
  beginList(length: number): void {
    this.#count++;
    this.#reserve(HEADER);
    this.#at = this.#header(this.#at, ARRAY, length);
  }

  /** Writes another list: the values of a record in their order, and any fields after them. */
  record<N extends RecordNames>(
    names: N,
    values: RecordValues<N>,
    fields?: ReadonlyMap<string, RedisArg>,
  ): void {
    if (fields === undefined) {
      this.beginList(names.length);
      this.#values(names, values, names.length);
      return;
    }
    const single = names.length - 1;
    this.beginList(single + 2 * fields.size);
    this.#values(names, values, single);
    for (const [field, value] of fields) {
      this.add(field);
      this.add(value);
    }
  }

  #values(
    names: RecordNames,
    values: Readonly<Record<string, RedisArg>>,
    count: number,
  ): void {
    for (let i = 0; i < count; i++) this.add(values[names[i]!]!);
  }

  /** Writes one value. */
  add(value: RedisArg): void {
    if (typeof value === "string") this.#text(value);
    else if (typeof value === "number") this.#text(String(value));
    else this.#bytes(value);
  }

  /** Returns everything written since {@linkcode Packer.begin}. */
  take(): Uint8Array {
    this.#header(this.#listsAt, ARRAY, this.#count);
    const packed = this.#block.subarray(this.#start, this.#at);
    this.#start = this.#at;
    if (this.#block.length > BLOCK) {
      this.#block = new Uint8Array(BLOCK);
      this.#start = 0;
    }
    return packed;
  }

  #bytes(bytes: Uint8Array): void {
    this.#reserve(HEADER + bytes.length);
    this.#at = this.#header(this.#at, STRING, bytes.length);
    this.#block.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #text(text: string): void {
    if (text.length > LONG) return this.#bytes(encoder.encode(text));
    this.#reserve(HEADER + text.length * BYTES_PER_UNIT);
    if (text.length <= BY_HAND && this.#plainText(text)) return;
    const { written } = encoder.encodeInto(
      text,
      this.#block.subarray(this.#at + HEADER),
    );
    this.#at = this.#header(this.#at, STRING, written) + written;
  }

  /** Writes an ASCII text and returns true; undoes that and returns false for any other text. */
  #plainText(text: string): boolean {
    const bytes = this.#block;
    const { length } = text;
    let at = this.#at + (length <= LONGEST_SHORT ? 1 : HEADER);
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[at++] = code;
    }
    if (length <= LONGEST_SHORT) bytes[this.#at] = SHORT_STRING | length;
    else this.#header(this.#at, STRING, length);
    this.#at = at;
    return true;
  }

  /** Writes a header; returns where its content begins. */
  #header(at: number, kind: number, length: number): number {
    const bytes = this.#block;
    bytes[at] = kind;
    bytes[at + 1] = length >>> 24;
    bytes[at + 2] = length >>> 16;
    bytes[at + 3] = length >>> 8;
    bytes[at + 4] = length;
    return at + HEADER;
  }

  /** Moves to a new block if this one is too small. */
  #reserve(length: number): void {
    if (this.#at + length <= this.#block.length) return;
    const written = this.#block.subarray(this.#start, this.#at);
    const needed = written.length + length;
    this.#block = new Uint8Array(needed > LONG ? needed + BLOCK : BLOCK);
    this.#block.set(written);
    this.#listsAt -= this.#start;
    this.#start = 0;
    this.#at = written.length;
  }
}
