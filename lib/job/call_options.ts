/**
 * What a call's options and arguments may be, as far as a subprocess needs it too.
 *
 * @module
 */

import type { JobOptions } from "./options.ts";

/** Every option of a job. */
export const JOB_OPTIONS: Readonly<Record<keyof JobOptions, true>> = {
  timeout: true,
  resultTtl: true,
  failureTtl: true,
  ttl: true,
  jobId: true,
  atFront: true,
  description: true,
  meta: true,
  isolation: true,
};

/**
 * Arguments without `undefined` at their end, so that the function's own defaults stay in force.
 *
 * @param args the arguments
 * @param isFollowed whether another argument follows them: named ones are a function's last
 * @throws {TypeError} if one before the last is `undefined`, which would arrive as `null`
 */
export function positional(
  args: readonly unknown[],
  isFollowed: boolean,
): readonly unknown[] {
  if (!Array.isArray(args) || !args.includes(undefined)) return args;
  let { length } = args;
  while (!isFollowed && length > 0 && args[length - 1] === undefined) length--;
  const at = args.indexOf(undefined);
  if (at < length) {
    throw new TypeError(
      `Cannot store args[${at}]: undefined before other arguments would arrive as null, give null or the function's default`,
    );
  }
  return args.slice(0, length);
}
