/**
 * Options that do not exist are refused: what is mistyped would otherwise be left out in silence.
 *
 * @module
 */

import { nearest } from "./nearest.ts";

/** The names of all options of a type; the compiler holds the list to the type. */
export function optionNames<T>(
  names: Readonly<Record<keyof T, true>>,
): ReadonlySet<string> {
  return new Set(Object.keys(names));
}

/**
 * Refuses options that do not exist, and what is no object of options at all.
 *
 * @param options what was given
 * @param known the names of those that exist
 * @param action what cannot be done then, such as `"Cannot enqueue"`
 * @throws {TypeError} naming the option, and the one that is nearest to it
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
