/**
 * The permissions of a job's subprocess.
 *
 * @module
 */

import { dirname, resolve as absolute, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The permissions of a subprocess. */
export interface ChildPermissions {
  /** Deno's permission flags, such as `--allow-net=example.com`. */
  readonly flags: readonly string[];
  /** Permissions of the worker that could not be passed on, one sentence each, for its log. */
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

/** Our own flag, unknown to Deno: jobs have no permissions but those of other flags. */
const NONE = "--allow-none";

/**
 * The permissions of a subprocess: exactly the given flags, or the worker's own
 * if there are none (an empty list gives no permission). Flags that only deny or
 * ignore reduce the worker's own, as in `-A --deny-net`.
 *
 * Deno does not tell what a permission is limited to. So a permission that the worker
 * has only in part is not passed on; a warning names the flag to use.
 *
 * @throws {TypeError} If a flag is not one of Deno's permission flags.
 */
export async function childPermissions(
  flags: readonly string[] | undefined,
): Promise<ChildPermissions> {
  if (flags === undefined) return await permissionsOfWorker();
  checkPermissionFlags(flags);
  const takesOnly = flags.length > 0 &&
    flags.every((flag) => /^--(deny|ignore)-/.test(flag));
  if (!takesOnly) {
    const given = flags.filter((flag) => flag !== NONE);
    return { flags: given, warnings: [] };
  }
  const own = await permissionsOfWorker();
  return { ...own, flags: [...own.flags, ...flags] };
}

/** @throws {TypeError} If a flag is not one of Deno's permission flags. */
export function checkPermissionFlags(flags: readonly string[]): void {
  for (const flag of flags) {
    if (flag === NONE || FLAG.test(flag)) continue;
    throw new TypeError(
      `Cannot set the permissions of jobs: "${flag}" is not a permission flag of Deno`,
    );
  }
}

/** What this process may do, as far as Deno tells. */
export interface OwnPermissions {
  /** Flags for the permissions that it has as a whole. */
  readonly flags: readonly string[];
  /** Those that it has not, or only a part of. */
  readonly limited: readonly string[];
}

/** What this process may do. */
export async function ownPermissions(): Promise<OwnPermissions> {
  const granted: string[] = [];
  const limited: string[] = [];
  for (const name of NAMES) {
    // "import" is missing in the type. "partial" means granted with exceptions.
    const status = await Deno.permissions.query(
      { name } as Deno.PermissionDescriptor,
    );
    const whole = status.state === "granted" && !status.partial;
    (whole ? granted : limited).push(name);
  }
  return {
    flags: limited.length === 0
      ? ["--allow-all"]
      : granted.map((name) => `--allow-${name}`),
    limited: limited.filter((name) => name !== "import"),
  };
}

async function permissionsOfWorker(): Promise<ChildPermissions> {
  const { flags, limited } = await ownPermissions();
  return {
    flags,
    warnings: limited.length === 0 ? [] : [
      `Jobs run without the permissions ${
        limited.join(", ")
      }: the worker has none or only a part of each, and the limits of a part cannot be passed on; set them with ${
        limited.map((name) => `--job-allow-${name}=…`).join(", ")
      }`,
    ],
  };
}

/** Whether a subprocess may import a module that is not in its static graph, and what that module imports. */
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
  // A module's imports are resolved within its project.
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
