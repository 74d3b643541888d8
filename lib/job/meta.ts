/**
 * Changing a job's `meta` by patches. Jobs' processes load this, so it imports no package.
 *
 * @module
 */

import { isArray, keysOf } from "../base/primordials.ts";
import { decodeJson, encodeJson } from "./json.ts";

/** A job's free data. */
export type Meta = Record<string, unknown>;

/** What a patch changes. */
export interface MetaPatch {
  /** The values of keys, all of them JSON. */
  readonly set: Readonly<Meta>;
  /** The keys that are removed. */
  readonly removed: readonly string[];
}

const decoder = new TextDecoder();

/**
 * Reads a patch: a key whose value is `undefined` is removed. It is copied through JSON, so that later changes to it have no
 * effect.
 *
 * @throws {TypeError} If it is no object, or JSON cannot represent it.
 */
export function readPatch(patch: Readonly<Meta>): MetaPatch {
  if (!isObject(patch)) throw noObject();
  const removed: string[] = [];
  const keys = keysOf(patch);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    if (patch[key] === undefined) removed[removed.length] = key;
  }
  const set = decodeJson(encodeJson(patch, "meta", { bigInts: true }));
  if (!isObject(set)) throw noObject(); // such as a date, which JSON turns into a text
  return { set, removed };
}

/** `meta` with a patch. */
export function patched(
  meta: Readonly<Meta>,
  { set, removed }: MetaPatch,
): Meta {
  const copy: Meta = { ...meta, ...set };
  for (let i = 0; i < removed.length; i++) delete copy[removed[i]!];
  return copy;
}

/** Reads `meta` as stored; nothing if another serializer than JSON wrote it, or it is no object. */
export function readMeta(stored: Uint8Array | undefined): Meta | undefined {
  if (stored === undefined || stored.length === 0) return {};
  try {
    const value = decodeJson(decoder.decode(stored));
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isObject(value: unknown): value is Meta {
  return typeof value === "object" && value !== null && !isArray(value);
}

function noObject(): TypeError {
  return new TypeError("Cannot store meta: expected an object");
}
