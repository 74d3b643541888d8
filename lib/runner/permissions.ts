/**
 * What a job's subprocess may do.
 *
 * @module
 */

import { dirname, resolve as absolute, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The permissions of a subprocess. */
export interface ChildPermissions {
  /** Deno's permission flags, such as `--allow-net=example.com`. */
  readonly flags: readonly string[];
  /** What could not be handed on from the worker, one sentence each, for its log. */
  readonly warnings: readonly string[];
}

const NAMES = [
  "read",
  "write",
  "net",
  "env",
  "run",
  "sys",
  "ffi",
  "import",
] as const;

const FLAG =
  /^(-A|--allow-all|--(allow|deny)-(read|write|net|env|run|sys|ffi|import)(=.+)?|--ignore-(read|env)(=.+)?)$/;

/** No flag of Deno's: says that nothing is allowed but what other flags allow. */
const NONE = "--allow-none";

/**
 * Makes the permissions of a subprocess: exactly the flags given, or the worker's
 * own if none are given at all (an empty list gives no permission). Flags that only
 * deny or ignore take away from the worker's own, as Deno's `-A --deny-net`.
 *
 * Deno does not tell what a permission is limited to. One that the worker has
 * only in part is therefore not handed on; a warning names the flag to use.
 *
 * @throws {TypeError} if a flag is not one of Deno's permission flags
 */
export async function childPermissions(
  flags: readonly string[] | undefined,
): Promise<ChildPermissions> {
  if (flags === undefined) return await ownPermissions();
  checkPermissionFlags(flags);
  const takesOnly = flags.length > 0 &&
    flags.every((flag) => /^--(deny|ignore)-/.test(flag));
  if (!takesOnly) {
    const given = flags.filter((flag) => flag !== NONE);
    return { flags: given, warnings: [] };
  }
  const own = await ownPermissions();
  return { ...own, flags: [...own.flags, ...flags] };
}

/** @throws {TypeError} if a flag is not one of Deno's permission flags */
export function checkPermissionFlags(flags: readonly string[]): void {
  for (const flag of flags) {
    if (flag === NONE || FLAG.test(flag)) continue;
    throw new TypeError(
      `Cannot set the permissions of jobs: "${flag}" is not a permission flag of Deno`,
    );
  }
}

async function ownPermissions(): Promise<ChildPermissions> {
  const granted: string[] = [];
  const limited: string[] = [];
  for (const name of NAMES) {
    // "import" is not in the type; a granted one that is "partial" has exceptions.
    const status = await Deno.permissions.query(
      { name } as Deno.PermissionDescriptor,
    );
    const whole = status.state === "granted" && !status.partial;
    (whole ? granted : limited).push(name);
  }
  const told = limited.filter((name) => name !== "import");
  if (limited.length === 0) return { flags: ["--allow-all"], warnings: [] };
  return {
    flags: granted.map((name) => `--allow-${name}`),
    warnings: told.length === 0 ? [] : [
      `Jobs run without the permissions ${
        told.join(", ")
      }: the worker has none or only a part of each, and what a part is limited to cannot be handed on; say what jobs may do with ${
        told.map((name) => `--job-allow-${name}=…`).join(", ")
      }`,
    ],
  };
}

/** Tells whether a subprocess may import a module that is not in its static graph, and what that imports. */
export function canImport(
  permissions: ChildPermissions,
  url: string,
  config: string | undefined,
): boolean {
  const flags = permissions.flags;
  if (flags.some((flag) => /^--(deny|ignore)-(read|import)/.test(flag))) {
    return false;
  }
  if (flags.includes("-A") || flags.includes("--allow-all")) return true;
  if (!url.startsWith("file:")) return false;
  if (flags.includes("--allow-read")) return true;
  // What a module imports is looked for in its project.
  const needed = dirname(config ?? fileURLToPath(url));
  return flags.filter((flag) => flag.startsWith("--allow-read="))
    .flatMap((flag) => flag.slice("--allow-read=".length).split(","))
    .some((path) => isWithin(needed, absolute(path)));
}

function isWithin(path: string, directory: string): boolean {
  return path === directory ||
    path.startsWith(
      directory.endsWith(sep) ? directory : directory + sep,
    );
}
