/**
 * The file of `--config` (`-c`), or of RQ_CONFIG: constants that stand for flags, as in RQ's settings modules. `QUEUES`,
 * `NAME` and `REDIS_URL` are RQ's; other flags have a constant too, `MAX_JOBS` for `--max-jobs`.
 *
 * @module
 */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { nearest } from "../base/nearest.ts";
import { urlFromEnvironment } from "../redis/environment.ts";
import { type Flag, fromFlags, type ParsedFlags, UsageError } from "./flags.ts";
import { sentinelUrl } from "./sentinel_settings.ts";

type Constants = ReadonlyMap<string, unknown>;

/** Where `settings` may be. */
const EXTENSIONS = [".ts", ".js", ".mjs", ".json"];

/** A constant; anything else that a module exports is none of our business. */
const CONSTANT = /^[A-Z][A-Z0-9_]*$/;

/** Constants of RQ that have no meaning here, or are part of the URL. */
const OF_RQ = /^(REDIS_.*|SENTINEL|SENTRY_.*|DICT_CONFIG)$/;

/**
 * Flags that no file can give. The first of them are about the one who types them; with the others in a file that is
 * there for workers, or in RQ_CONFIG, `empty` would empty all queues, and nobody be asked.
 */
const TYPED: ReadonlySet<string> = new Set([
  ...["config", "help", "version", "url"],
  ...["all", "yes", "mend"],
]);

/**
 * Adds what the file says to what the command line says, which comes first.
 *
 * @param flags Those of the command. Constants for flags of other commands are ignored.
 * @throws {UsageError} If the file is not there or cannot be read, or a constant makes no sense.
 */
export async function withSettingsFile(
  parsed: ParsedFlags,
  flags: readonly Flag[],
): Promise<ParsedFlags> {
  const name = parsed.values.get("config")?.[0] ?? fromEnvironment();
  if (name === undefined) return parsed;
  const constants = await load(name, parsed.values.get("path") ?? []);
  const values = new Map(parsed.values);
  const switches = new Set(parsed.switches);
  const known = flags.filter(({ name }) => !TYPED.has(name));
  for (const [constant, value] of constants) {
    const flag = known.find(({ name }) => constantOf(name) === constant);
    if (flag === undefined) refuseMistyped(constant, known);
    else if (flag.value === undefined) {
      if (switchOf(constant, value)) switches.add(flag.name);
    } else if (!values.has(flag.name)) {
      // As on the command line, queues that are named as arguments replace those of the file.
      const isNamed = flag.name === "queues" && parsed.positional.length > 0;
      if (!isNamed) values.set(flag.name, textsOf(constant, value, flag));
    }
  }
  const url = urlOf(constants);
  if (url !== undefined && !values.has("url")) values.set("url", [url]);
  return { ...parsed, values, switches };
}

function fromEnvironment(): string | undefined {
  const variable = "RQ_CONFIG";
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) || undefined : undefined;
}

/** `settings` is `settings.ts` or the like, `a.settings` is `a/settings.ts`, each in one of the paths; or it is a file. */
async function load(
  name: string,
  paths: readonly string[],
): Promise<Constants> {
  const isFile = /\.(ts|js|mjs|json)$/.test(name);
  const file = isFile ? name : name.replaceAll(".", "/");
  for (const folder of paths.length === 0 ? ["."] : paths) {
    for (const extension of isFile ? [""] : EXTENSIONS) {
      const path = resolve(folder, file + extension);
      if (await isThere(path)) return await read(path);
    }
    if (!isFile && await isThere(resolve(folder, `${file}.py`))) {
      throw new UsageError(
        `Cannot read ${file}.py of --config, a Python module: write its constants to ${file}.json or ${file}.ts`,
      );
    }
  }
  throw new UsageError(
    `Cannot find --config ${name}: there is no such ${
      isFile ? "file" : `${file}.ts, .js, .mjs or .json`
    }`,
  );
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function read(path: string): Promise<Constants> {
  try {
    const exported: unknown = path.endsWith(".json")
      ? JSON.parse(await Deno.readTextFile(path))
      : await import(pathToFileURL(path).href);
    if (typeof exported !== "object" || exported === null) {
      throw new TypeError("it is no object");
    }
    return new Map(
      Object.entries(exported).filter(([name]) => CONSTANT.test(name)),
    );
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`Cannot read --config ${path}: ${why}`, { cause });
  }
}

/** `max-jobs` is `MAX_JOBS`. */
function constantOf(flag: string): string {
  return flag.replaceAll("-", "_").toUpperCase();
}

function refuseMistyped(constant: string, flags: readonly Flag[]): void {
  const isWorker = flags.some(({ name }) => name === "queues");
  if (!isWorker || OF_RQ.test(constant)) return; // it may be meant for a worker
  const like = nearest(constant, flags.map(({ name }) => constantOf(name)));
  throw new UsageError(
    `Unknown constant ${constant} in --config${
      like === undefined ? "" : `; did you mean ${like}?`
    }`,
  );
}

function switchOf(constant: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new UsageError(
    `Cannot use ${constant} of --config: expected true or false`,
  );
}

function textsOf(
  constant: string,
  value: unknown,
  { repeatable }: Flag,
): string[] {
  const list = Array.isArray(value) ? value : [value];
  const areTexts = list.every((one) =>
    typeof one === "string" || typeof one === "number"
  );
  if (areTexts && list.length > 0 && (repeatable || list.length === 1)) {
    return list.map(String);
  }
  throw new UsageError(
    `Cannot use ${constant} of --config: expected a text or a number${
      repeatable ? ", or a list of them" : ""
    }`,
  );
}

/** Where Redis is, by the constants of RQ; `undefined` if they do not say. */
function urlOf(constants: Constants): string | undefined {
  const names = ["REDIS_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_DB"];
  if (constants.has("SENTINEL") && !constants.has("REDIS_URL")) {
    return sentinelUrl(constants.get("SENTINEL"));
  }
  if (![...names, "REDIS_SSL"].some((name) => constants.has(name))) {
    return undefined;
  }
  return fromFlags(() =>
    urlFromEnvironment((name) => {
      const value = constants.get(name);
      return value === undefined || value === null ? undefined : String(value);
    })
  );
}
