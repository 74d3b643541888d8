/**
 * Creates the dump of a results stream with one entry, as Redis' `DUMP` would, for a `RESTORE`.
 *
 * `XADD` reserves 4 KB for a new stream, of which a small result needs some 100 bytes. A restored
 * stream takes no more than it needs, and half of the time of `XADD`, `DUMP` and `RESTORE`.
 *
 * The format is that of `rdb.c`, `t_stream.c` and `listpack.c` in its oldest form with streams (RDB 9, Redis 5),
 * which every later version reads.
 *
 * @module
 */

/** The longest text for which a dump is worthwhile; longer ones fill the 4 KB anyway. */
export const MAX_DUMPED = 2_048;

/** A dump, and the position of the result's text in it. */
export interface ResultDump {
  /** The dump; valid until the next one is created. */
  readonly bytes: Uint8Array;
  /** The position of the text's first byte, counted from 1 as in Lua. */
  readonly from: number;
  /** The position of its last byte. */
  readonly to: number;
}

/** `RDB_TYPE_STREAM_LISTPACKS`. */
const STREAM = 15;
/** The RDB version of the dump. */
const RDB_VERSION = 9;
/** The markers of 14-bit and 64-bit lengths in `rdb.c`. */
const [LENGTH_14, LENGTH_64] = [0x40, 0x81];
/** The markers of texts of at most 63 and at most 4,095 bytes in `listpack.c`. */
const [TEXT_6, TEXT_12] = [0x80, 0xe0];
const LISTPACK_END = 0xff;
/** `STREAM_ITEM_FLAG_SAMEFIELDS`: the entry has the same fields as the node's first entry, which it is. */
const SAME_FIELDS = 2;
/** RQ's `Result.Type.SUCCESSFUL`. */
const SUCCESSFUL = 1;

/** Where the listpack begins: after the type, the number of nodes, the node's key, and the listpack's length. */
const LISTPACK_AT = 1 + 1 + 17 + 2;
/** Where its first element begins. */
const FIRST_AT = LISTPACK_AT + 6;

const block = new Uint8Array(MAX_DUMPED + 256);
const view = new DataView(block.buffer);
let at = 0;

/**
 * Creates the dump of a results stream with one successful result.
 *
 * @param text The result as base64 of JSON, at most {@linkcode MAX_DUMPED} bytes; empty for none.
 * @param serverTime Milliseconds since 1970, for the entry's id.
 */
export function dumpResult(text: string, serverTime: number): ResultDump {
  at = FIRST_AT;
  const [elements, from, to] = writeEntry(text);
  block[at++] = LISTPACK_END;
  writeHead(at - LISTPACK_AT, elements, serverTime);
  block[at++] = 1; // entries
  block[at++] = LENGTH_64;
  writeTime(at, serverTime);
  at += 8;
  block[at++] = 0; // the last id's second part
  block[at++] = 0; // consumer groups
  view.setUint16(at, RDB_VERSION, true);
  at += 2;
  writeChecksum();
  return { bytes: block.subarray(0, at), from, to };
}

/** Writes the elements; returns their number, and the position of the text. */
function writeEntry(text: string): [number, number, number] {
  const fields = text === "" ? 1 : 2;
  writeNumber(1); // entries
  writeNumber(0); // of them deleted
  writeNumber(fields);
  writeText("type");
  if (text !== "") writeText("return_value");
  writeNumber(0);
  writeNumber(SAME_FIELDS);
  writeNumber(0); // the id is the node's own
  writeNumber(0);
  writeNumber(SUCCESSFUL);
  const textAt = at + (text.length < 64 ? 1 : 2);
  if (text !== "") writeText(text);
  writeNumber(3 + fields); // the entry's elements so far
  return [text === "" ? 10 : 12, textAt + 1, textAt + text.length];
}

/** Writes everything before the first element. */
function writeHead(size: number, elements: number, serverTime: number): void {
  block[0] = STREAM;
  block[1] = 1; // nodes
  block[2] = 16; // the length of a node's key: the id of its first entry
  writeTime(3, serverTime);
  block.fill(0, 11, 19);
  block[19] = LENGTH_14 | size >> 8;
  block[20] = size;
  view.setUint32(LISTPACK_AT, size, true);
  view.setUint16(LISTPACK_AT + 4, elements, true);
}

function writeTime(place: number, time: number): void {
  view.setUint32(place, time / 2 ** 32);
  view.setUint32(place + 4, time);
}

/** Writes an element: a number of at most 127. Its length follows, for reading backwards. */
function writeNumber(number: number): void {
  block[at++] = number;
  block[at++] = 1;
}

/** Writes an element: an ASCII text. */
function writeText(text: string): void {
  const { length } = text;
  if (length < 64) block[at++] = TEXT_6 | length;
  else {
    block[at++] = TEXT_12 | length >> 8;
    block[at++] = length;
  }
  for (let i = 0; i < length; i++) block[at++] = text.charCodeAt(i);
  const size = length + (length < 64 ? 1 : 2);
  if (size >= 128) block[at++] = size >> 7;
  block[at++] = size < 128 ? size : size & 127 | 128;
}

/** The reflected CRC-64 polynomial of `crc64.c` (Jones), in two halves, as bit operations have 32 bits. */
const POLYNOMIAL = [0x95ac9329, 0xac4bc9b5] as const;
const [CRC_HIGH, CRC_LOW] = crcTables();

function crcTables(): [Int32Array, Int32Array] {
  const highs = new Int32Array(256);
  const lows = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let [high, low] = [0, byte];
    for (let bit = 0; bit < 8; bit++) {
      const odd = low & 1;
      low = low >>> 1 | high << 31;
      high >>>= 1;
      if (odd === 0) continue;
      high ^= POLYNOMIAL[0];
      low ^= POLYNOMIAL[1];
    }
    highs[byte] = high;
    lows[byte] = low;
  }
  return [highs, lows];
}

/** Writes the checksum of everything before it. */
function writeChecksum(): void {
  let [high, low] = [0, 0];
  for (let i = 0; i < at; i++) {
    const index = (low ^ block[i]!) & 0xff;
    low = (low >>> 8 | high << 24) ^ CRC_LOW[index]!;
    high = high >>> 8 ^ CRC_HIGH[index]!;
  }
  view.setInt32(at, low, true);
  view.setInt32(at + 4, high, true);
  at += 8;
}
