/**
 * The further arguments of `deno run` that its user may give for the subprocesses.
 *
 * @module
 */

import { resolve as absolute } from "node:path";

/** Which of the runner's own arguments do not apply, since the user's take their place. */
export interface DenoArgs {
  /** As they were given. */
  readonly args: readonly string[];
  /** The configuration file: a path, `null` for none, `undefined` for that of the job's project. */
  readonly config: string | null | undefined;
  /** Whether they say which lock file holds, or that none does. */
  readonly hasLock: boolean;
  /** Whether they say if the lock file may be changed, or that there is none. */
  readonly hasFrozen: boolean;
}

/** `-A`, `-R` and so on, also in a group as in `-qA`. */
const SHORT_PERMISSION = /^-[a-zA-Z]*[ARWNESIP]/;
const LONG_PERMISSION =
  /^--(allow-(all|read|write|net|env|run|sys|ffi|import|hrtime)|deny-[a-z]+|ignore-[a-z]+|permission-set)(=|$)/;

/**
 * Reads the further arguments of `deno run`. Each is one flag, with its value behind `=`.
 *
 * @throws {TypeError} naming one that is no flag, or that is a permission
 */
export function readDenoArgs(args: readonly string[]): DenoArgs {
  for (const arg of args) checkDenoArg(arg);
  const has = (...names: string[]) =>
    args.some((arg) => names.includes(nameOf(arg)));
  const config = args.findLast((arg) => CONFIG.includes(nameOf(arg)));
  return {
    args,
    config: config === undefined
      ? undefined
      : nameOf(config) === "--no-config"
      ? null
      : absolute(valueOf(config)),
    hasLock: has("--lock", "--no-lock"),
    hasFrozen: has("--frozen", "--frozen-lockfile", "--no-lock"),
  };
}

const CONFIG = ["--config", "-c", "--no-config"];
function checkDenoArg(arg: string): void {
  if (!/^-[^-]|^--./.test(arg)) {
    throw new TypeError(
      `Cannot pass "${arg}" to the deno of jobs: expected a flag, with its value behind =, as in --import-map=map.json`,
    );
  }
  if (SHORT_PERMISSION.test(arg) || LONG_PERMISSION.test(arg)) {
    throw new TypeError(
      `Cannot pass ${arg} to the deno of jobs: what they may do is said by ${
        jobFlagOf(arg)
      }, or by the option "permissions"`,
    );
  }
}

function jobFlagOf(arg: string): string {
  const long = /^--((allow|deny|ignore)-[a-z]+)/.exec(arg)?.[1];
  return `--job-${long ?? "allow-…"}`;
}

function nameOf(arg: string): string {
  return arg.split("=", 1)[0]!;
}

function valueOf(arg: string): string {
  return arg.slice(arg.indexOf("=") + 1);
}
