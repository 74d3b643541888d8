/**
 * How the pool starts a worker: the program, and its command line.
 *
 * @module
 */

import type { Isolation } from "../job/isolation.ts";
import { isPermission } from "../runner/deno_args.ts";
import { ownPermissions } from "../runner/permissions.ts";
import type { WorkerOptions } from "./options.ts";
import { type NamedSetting, SETTING_LIST } from "./settings.ts";

/** What starts the program of a worker, and warnings for the log. */
export interface WorkerProgram {
  /** The program and its first arguments; those of the worker follow. */
  readonly command: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * The program of a worker: `worker.ts` of this package, run with the permissions of this process.
 *
 * @param denoArgs Further flags of `deno run`. If there are permissions among them, workers have those alone.
 */
export async function workerProgram(
  denoArgs: readonly string[] = [],
): Promise<WorkerProgram> {
  const own = await ownPermissions();
  const given = denoArgs.some(isPermission);
  const names = own.limited.join(", ");
  return {
    command: [
      ...[Deno.execPath(), "run", "--quiet", "--no-prompt"],
      ...given ? [] : own.flags,
      ...denoArgs,
      new URL("../../worker.ts", import.meta.url).href,
    ],
    warnings: given || names === "" ? [] : [
      `Workers run without the permissions ${names}: the pool has none or only a part of each, and the limits of a part cannot be passed on; set all of theirs with --worker-deno-arg=--allow-…`,
    ],
  };
}

/** Options that the pool takes care of. */
const OF_POOL: ReadonlySet<string> = new Set(["connection", "log", "signal"]);

/**
 * The environment of a worker. Where Redis is stands there, if the options say: a command line could be read by every user
 * of the machine, with the password. It is in `REDIS_URL`, since a worker that must not read that ends, and says so. The
 * file of settings is not for the worker to read: the pool has, and hands on what it says.
 */
export function workerEnv(
  { connection }: WorkerOptions,
): Readonly<Record<string, string>> {
  const own = { RQ_CONFIG: "" };
  return connection === undefined
    ? own
    : { ...own, REDIS_URL: String(connection), RQ_REDIS_URL: "" };
}

/**
 * The command line of a worker with these options, that leaves when its stdin ends.
 *
 * @throws {TypeError} If an option has no flag.
 */
export function workerArgs(
  queues: readonly string[],
  options: WorkerOptions,
  furtherFlags: readonly string[] = [],
): string[] {
  const flags = SETTING_LIST.filter(({ option }) => !OF_POOL.has(option))
    .flatMap((setting) => flagsOf(setting, options));
  // A queue whose name has a comma can only be named apart.
  return ["worker", "--until-eof", ...flags, ...furtherFlags, "--", ...queues];
}

function flagsOf(setting: NamedSetting, options: WorkerOptions): string[] {
  const { kind, option, flag } = setting;
  const value: unknown = options[option];
  if (value === undefined || value === Infinity) return []; // no limit is the default
  if (option === "permissions") return permissionFlags(value as string[]);
  if (option === "queueIsolation") {
    return Object.entries(value as Record<string, Isolation>)
      .map(([queue, isolation]) => `--isolation=${queue}=${isolation}`);
  }
  if (flag === undefined) {
    throw new TypeError(
      `Cannot make a worker pool: the option ${option} cannot be passed on to its workers`,
    );
  }
  switch (kind) {
    case "switch":
      return value === setting.default ? [] : [`--${flag}`];
    case "texts":
      return (value as string[]).map((text) => `--${flag}=${text}`);
    case "list": {
      const list = value as string[];
      return list.length === 0 ? [] : [`--${flag}=${list.join(",")}`];
    }
    default:
      return [`--${flag}=${value}`];
  }
}

function permissionFlags(permissions: readonly string[]): string[] {
  if (permissions.length === 0) return ["--job-allow-none"];
  return permissions.map((flag) =>
    flag === "-A" ? "--job-allow-all" : `--job-${flag.slice("--".length)}`
  );
}
