/**
 * The names of options. Jobs' processes load this, so it imports no package.
 *
 * @module
 */

/** The names of all options of a type; the compiler checks that none is missing or unknown. */
export function optionNames<T>(
  names: Readonly<Record<keyof T, true>>,
): ReadonlySet<string> {
  return new Set(Object.keys(names));
}

/**
 * Finds an unknown option.
 *
 * @param options What the caller passed.
 * @param known The names of all options.
 * @param action How the error begins, such as `"Cannot enqueue"`.
 * @returns The name of the first one, or `undefined`.
 * @throws {TypeError} If the caller passed no object of options.
 */
export function unknownOption(
  options: object,
  known: ReadonlySet<string>,
  action: string,
): string | undefined {
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
    if (!known.has(name)) return name;
  }
  return undefined;
}
