/**
 * Reading what a script packs with `cmsgpack.pack`: a reply of many texts as one.
 * A Redis client has a cost per text that is many times that of reading it here.
 *
 * @module
 */

const decoder = new TextDecoder();

/** Longer texts are given to the decoder, shorter ones are quicker by hand. */
const BY_HAND = 32;

/** Reads MessagePack's lists and texts, one after the other, as far as `cmsgpack` writes them. */
export class Unpacker {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** Begins at the beginning. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /**
   * How many entries the list has that comes next.
   *
   * @throws {TypeError} if something else comes next
   */
  listLength(): number {
    const kind = this.#byte();
    if ((kind & 0xf0) === 0x90) return kind & 0x0f;
    // An empty table of Lua is written as an empty map.
    if (kind === 0x80) return 0;
    if (kind === 0xdc) return this.#number(2);
    if (kind === 0xdd) return this.#number(4);
    throw unexpected("a list", kind);
  }

  /**
   * The text that comes next.
   *
   * @throws {TypeError} if something else comes next
   */
  text(): string {
    const length = this.#length();
    const from = this.#at;
    this.#at += length;
    if (length <= BY_HAND) {
      let text = "";
      for (let i = from; i < this.#at; i++) {
        const code = this.#bytes[i]!;
        if (code > 0x7f) break;
        text += String.fromCharCode(code);
      }
      if (text.length === length) return text;
    }
    return decoder.decode(this.#bytes.subarray(from, this.#at));
  }

  /**
   * The record that comes next, each of its values read by the function of its name.
   *
   * @throws {TypeError} if something else comes next
   */
  record<V>(
    names: readonly (keyof V)[],
    readers: { readonly [name in keyof V]: (from: Unpacker) => V[name] },
  ): V {
    const length = this.listLength();
    if (length !== names.length) {
      throw new TypeError(
        `Cannot read the script's reply: expected ${names.length} values, got ${length}`,
      );
    }
    const values: Partial<V> = {};
    for (const name of names) values[name] = readers[name](this);
    return values as V;
  }

  /**
   * The list that comes next, each entry read by this function.
   *
   * @throws {TypeError} if something else comes next
   */
  listOf<T>(read: (from: Unpacker) => T): T[] {
    const entries: T[] = [];
    for (let left = this.listLength(); left > 0; left--) {
      entries.push(read(this));
    }
    return entries;
  }

  /**
   * The list of names and values that comes next.
   *
   * @throws {TypeError} if something else comes next
   */
  fields(): PackedFields {
    const places: number[] = [];
    let lengths = 0;
    for (let i = 0, count = this.listLength(); i < count; i++) {
      const length = this.#length();
      if (i % 2 === 0) lengths |= 1 << length;
      places.push(this.#at, this.#at += length);
    }
    return new PackedFields(this.#bytes, places, lengths);
  }

  #length(): number {
    const kind = this.#byte();
    const length = (kind & 0xe0) === 0xa0
      ? kind & 0x1f
      : kind === 0xd9
      ? this.#number(1)
      : kind === 0xda
      ? this.#number(2)
      : kind === 0xdb
      ? this.#number(4)
      : undefined;
    if (length === undefined) throw unexpected("a text", kind);
    if (this.#at + length > this.#bytes.length) throw unexpected("more", -1);
    return length;
  }

  #number(size: number): number {
    let number = 0;
    for (let i = 0; i < size; i++) number = number * 256 + this.#byte();
    return number;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw unexpected("more", -1);
    return byte;
  }
}

/** Named values, of which only those are read that are asked for: to make an object of each took longer. */
export class PackedFields {
  readonly #bytes: Uint8Array;
  readonly #places: readonly number[];
  readonly #lengths: number;

  /**
   * Fields within a reply.
   *
   * @param places Where each name and each value begins and ends.
   * @param lengths A bit for each length of a name, modulo 32: most names that are asked for are not there.
   */
  constructor(bytes: Uint8Array, places: readonly number[], lengths: number) {
    this.#bytes = bytes;
    this.#places = places;
    this.#lengths = lengths;
  }

  /** The last value of a name, which is ASCII; a part of what is read, not a copy. */
  get(name: string): Uint8Array | undefined {
    if ((this.#lengths & 1 << name.length) === 0) return undefined;
    const places = this.#places;
    for (let i = places.length - 4; i >= 0; i -= 4) {
      if (!this.#isAt(name, places[i]!, places[i + 1]!)) continue;
      return this.#bytes.subarray(places[i + 2], places[i + 3]);
    }
    return undefined;
  }

  #isAt(name: string, from: number, to: number): boolean {
    if (to - from !== name.length) return false;
    for (let i = 0; i < name.length; i++) {
      if (this.#bytes[from + i] !== name.charCodeAt(i)) return false;
    }
    return true;
  }
}

function unexpected(what: string, kind: number): TypeError {
  return new TypeError(
    `Cannot read the script's reply: expected ${what}, got ${
      kind < 0 ? "its end" : `kind 0x${kind.toString(16)}`
    }`,
  );
}
