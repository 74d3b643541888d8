/**
 * Reads files. Synchronous, since every job waits for it: `Deno.stat` goes through another thread, which takes
 * twenty times as long as the call itself.
 *
 * @module
 */

import { fileTroubleOf, isFileAt, readTextFile } from "./platform.ts";

/**
 * Whether a path is a file.
 *
 * @throws {Error} If it must not be read.
 */
export function isFile(path: string): boolean {
  try {
    return isFileAt(path);
  } catch (error) {
    if (fileTroubleOf(error) === "missing") return false;
    throw error;
  }
}

/** Whether a path is a file that may be read. */
export function isVisibleFile(path: string): boolean {
  try {
    return isFile(path);
  } catch (error) {
    if (fileTroubleOf(error) === "forbidden") return false;
    throw error;
  }
}

/** The text of a file; `undefined` if there is none, or none that may be read. */
export function readVisibleFile(path: string): string | undefined {
  try {
    return readTextFile(path);
  } catch (error) {
    if (fileTroubleOf(error) !== undefined) return undefined;
    throw error;
  }
}
