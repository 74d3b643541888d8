/**
 * The part of checking a call that a subprocess needs too: names of options, and arguments.
 *
 * @module
 */

import type { JobOptions } from "./options.ts";

/** All options of a job. */
export const JOB_OPTIONS: Readonly<Record<keyof JobOptions, true>> = {
  timeout: true,
  resultTtl: true,
  failureTtl: true,
  ttl: true,
  jobId: true,
  atFront: true,
  at: true,
  in: true,
  repeat: true,
  retry: true,
  onSuccess: true,
  onFailure: true,
  onStopped: true,
  webhooks: true,
  description: true,
  meta: true,
  isolation: true,
  rateLimit: true,
  group: true,
  unique: true,
  tags: true,
  fairKey: true,
};

/**
 * Drops trailing `undefined` arguments, so that the function's own defaults apply.
 *
 * @param args The arguments.
 * @param isFollowed Whether another argument follows: named ones become the function's last.
 * @throws {TypeError} If one before the last is `undefined`, which would arrive as `null`.
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
      `Cannot store args[${at}]: undefined before other arguments would arrive as null, pass null or the function's default`,
    );
  }
  return args.slice(0, length);
}
