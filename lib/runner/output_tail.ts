/**
 * Keeps the end of a subprocess's output, and guards the sink that it is passed to.
 *
 * @module
 */

import { stripColors } from "./describe_error.ts";

/** How much is kept, in bytes. */
const TAIL_SIZE = 8 * 1024;

/** The end of the output, for the error of a process that ended without an answer. */
export class OutputTail {
  #bytes: Uint8Array = new Uint8Array();

  /** Adds output, which it copies. */
  add(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#bytes.length + bytes.length);
    joined.set(this.#bytes);
    joined.set(bytes, this.#bytes.length);
    this.#bytes = joined.slice(-TAIL_SIZE);
  }

  /** Forgets it. */
  clear(): void {
    if (this.#bytes.length > 0) this.#bytes = new Uint8Array();
  }

  /** As plain text. */
  text(): string {
    return stripColors(new TextDecoder().decode(this.#bytes)).trim();
  }
}

/** Wraps a sink so that a broken one, such as a closed pipe, drops output rather than fail jobs. */
export function guarded(
  write: (bytes: Uint8Array) => Promise<void>,
): (bytes: Uint8Array) => Promise<void> {
  let broken = false;
  return async (bytes) => {
    if (broken) return;
    try {
      await write(bytes);
    } catch {
      broken = true;
    }
  };
}
