/**
 * Reads files. Synchronous, since every job waits for it: `Deno.stat` goes through another thread, which takes
 * twenty times as long as the call itself.
 *
 * @module
 */

/**
 * Whether a path is a file.
 *
 * @throws {Deno.errors.NotCapable} If it must not be read.
 */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Whether a path is a file that may be read. */
export function isVisibleFile(path: string): boolean {
  try {
    return isFile(path);
  } catch (error) {
    if (isForbidden(error)) return false;
    throw error;
  }
}

/** The text of a file; `undefined` if there is none, or none that may be read. */
export function readVisibleFile(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (
      isMissing(error) || isForbidden(error) ||
      error instanceof Deno.errors.IsADirectory
    ) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotADirectory;
}

function isForbidden(error: unknown): boolean {
  return error instanceof Deno.errors.NotCapable ||
    error instanceof Deno.errors.PermissionDenied;
}
