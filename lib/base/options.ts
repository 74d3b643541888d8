/**
 * Refuses unknown options: a mistyped one would otherwise be ignored in silence.
 *
 * @module
 */

import { nearest } from "./nearest.ts";

/** The names of all options of a type; the compiler checks that none is missing or unknown. */
export function optionNames<T>(
  names: Readonly<Record<keyof T, true>>,
): ReadonlySet<string> {
  return new Set(Object.keys(names));
}

/**
 * Refuses unknown options, and anything that is no object of options.
 *
 * @param options What the caller passed.
 * @param known The names of all options.
 * @param action How the error begins, such as `"Cannot enqueue"`.
 * @throws {TypeError} It names the option and the most similar known one.
 */
export function refuseUnknown(
  options: object,
  known: ReadonlySet<string>,
  action: string,
): void {
  if (
    typeof options !== "object" || options === null || Array.isArray(options)
  ) {
    const kind = Array.isArray(options)
      ? "a list"
      : options === null
      ? "null"
      : typeof options;
    throw new TypeError(
      `${action}: expected an object of options, got ${kind}`,
    );
  }
  for (const name in options) {
    if (known.has(name)) continue;
    const like = nearest(name, [...known]);
    throw new TypeError(
      `${action}: there is no option "${name}"${
        like === undefined ? "" : `, did you mean "${like}"?`
      }`,
    );
  }
}
