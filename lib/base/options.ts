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

/**
 * Checks a value that must be one of some texts.
 *
 * @param label What is chosen, such as `driver` or `--driver`.
 * @throws {RangeError} It lists the choices and names the most similar one.
 */
export function checkChoice<T extends string>(
  label: string,
  value: unknown,
  choices: readonly T[],
): T {
  const chosen = choices.find((choice) => choice === value);
  if (chosen !== undefined) return chosen;
  const text = String(value);
  const like = nearest(text, choices);
  throw new RangeError(
    `Cannot use ${label} ${JSON.stringify(text)}: expected ${
      choices.join(", ")
    }${like === undefined ? "" : `; did you mean ${like}?`}`,
  );
}
