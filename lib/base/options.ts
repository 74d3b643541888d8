/**
 * Refuses unknown options: a mistyped one would otherwise be ignored in silence.
 *
 * @module
 */

import { nearest } from "./nearest.ts";
import { unknownOption } from "./option_names.ts";

export { optionNames } from "./option_names.ts";

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
  const name = unknownOption(options, known, action);
  if (name === undefined) return;
  const like = nearest(name, [...known]);
  throw new TypeError(
    `${action}: there is no option "${name}"${
      like === undefined ? "" : `, did you mean "${like}"?`
    }`,
  );
}
