/**
 * The user's further arguments of `deno run` for the subprocesses.
 *
 * @module
 */

import { resolve as absolute } from "node:path";

/** The user's arguments, and which of the runner's own arguments they replace. */
export interface DenoArgs {
  /** The arguments, unchanged. */
  readonly args: readonly string[];
  /** The configuration file: a path, `null` for none, `undefined` for that of the job's project. */
  readonly config: string | null | undefined;
  /** Whether they set a lock file, or turn it off. */
  readonly hasLock: boolean;
  /** Whether they say if the lock file is frozen, or turn it off. */
  readonly hasFrozen: boolean;
}

/** `-A`, `-R` and so on, also within a group such as `-qA`. */
const SHORT_PERMISSION = /^-[a-zA-Z]*[ARWNESIP]/;
const LONG_PERMISSION =
  /^--(allow-(all|read|write|net|env|run|sys|ffi|import|hrtime)|deny-[a-z]+|ignore-[a-z]+|permission-set)(=|$)/;

/**
 * Checks further arguments of `deno run`. Each is one flag, its value after `=`.
 *
 * @throws {TypeError} It names an argument that is not a flag, or that is a permission.
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
  checkFlag(arg, "jobs");
  if (isPermission(arg)) {
    throw new TypeError(
      `Cannot pass ${arg} to the deno of jobs: what they may do is said by ${
        jobFlagOf(arg)
      }, or by the option "permissions"`,
    );
  }
}

/**
 * Checks that an argument of a `deno` is one flag.
 *
 * @param whose Whose deno it is, in the error.
 * @throws {TypeError} If it is none.
 */
export function checkFlag(arg: string, whose: string): void {
  if (/^-[^-]|^--./.test(arg)) return;
  throw new TypeError(
    `Cannot pass "${arg}" to the deno of ${whose}: expected a flag, with its value after =, as in --import-map=map.json`,
  );
}

/** Whether an argument of `deno run` says what the program may do. */
export function isPermission(arg: string): boolean {
  return SHORT_PERMISSION.test(arg) || LONG_PERMISSION.test(arg);
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
