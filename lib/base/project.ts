/**
 * Finds the project that a file belongs to. Names of modules are relative to it.
 *
 * @module
 */

import { dirname, join, relative, resolve, sep } from "node:path";

const CONFIGS = ["deno.json", "deno.jsonc"];

/** The nearest configuration file in a directory or above it. A directory that must not be read counts as empty. */
export function nearestConfig(directory: string): string | undefined {
  for (let dir = resolve(directory);; dir = dirname(dir)) {
    const config = configIn(dir);
    if (config !== undefined) return config;
    if (dir === dirname(dir)) return undefined;
  }
}

/**
 * The root of a directory's project: the folder of the nearest `deno.json` in it or above, or of the one further up
 * that lists this folder in its `workspace`.
 */
export function projectRoot(directory: string): string | undefined {
  const config = nearestConfig(directory);
  if (config === undefined) return undefined;
  const folder = dirname(config);
  for (let dir = folder; dir !== dirname(dir);) {
    dir = dirname(dir);
    const above = configIn(dir);
    if (above === undefined) continue;
    const path = relative(dir, folder).split(sep).join("/");
    if (hasMember(workspaceOf(above), path)) return dir;
  }
  return folder;
}

/**
 * Whether a path is a file. Synchronous, since every job waits for it: `Deno.stat` goes through another thread, which
 * takes twenty times as long as the call itself.
 */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory
    ) return false;
    throw error;
  }
}

function configIn(directory: string): string | undefined {
  return CONFIGS.map((name) => join(directory, name)).find(isFileOrHidden);
}

/** Like {@linkcode isFile}, but `false` for what must not be read. */
function isFileOrHidden(path: string): boolean {
  try {
    return isFile(path);
  } catch (error) {
    if (isForbidden(error)) return false;
    throw error;
  }
}

function isForbidden(error: unknown): boolean {
  return error instanceof Deno.errors.NotCapable ||
    error instanceof Deno.errors.PermissionDenied;
}

/** The workspace members in a configuration file; none if it cannot be read, which Deno itself reports. */
function workspaceOf(config: string): readonly string[] {
  let value: unknown;
  try {
    value = JSON.parse(withoutComments(Deno.readTextFileSync(config)));
  } catch (error) {
    if (error instanceof SyntaxError || isForbidden(error)) return [];
    throw error;
  }
  const { workspace } = Object(value) as { workspace?: unknown };
  const members = Array.isArray(workspace)
    ? workspace
    : Object(workspace).members;
  return Array.isArray(members)
    ? members.filter((member) => typeof member === "string")
    : [];
}

/** Matches as Deno does: `packages/*` means each folder there, `!packages/old` excludes one. */
function hasMember(members: readonly string[], path: string): boolean {
  let is = false;
  for (const member of members) {
    const isNegated = member.startsWith("!");
    const pattern = isNegated ? member.slice(1) : member;
    if (patternOf(pattern).test(path)) is = !isNegated;
  }
  return is;
}

function patternOf(member: string): RegExp {
  const segments = member.replace(/^(\.\/)+/, "").replace(/\/+$/, "");
  const source = segments.replaceAll(
    /\*\*\/?|\*|\?|[^*?]+/g,
    (part) =>
      part.startsWith("**")
        ? ".*"
        : part === "*"
        ? "[^/]*"
        : part === "?"
        ? "[^/]"
        : RegExp.escape(part),
  );
  return new RegExp(`^${source}$`);
}

/** Removes comments and trailing commas, which `deno.jsonc` may have. */
function withoutComments(text: string): string {
  const string = String.raw`"(?:\\.|[^"\\])*"`;
  const keepString = (part: string) => part.startsWith('"') ? part : "";
  return text
    .replaceAll(
      new RegExp(String.raw`${string}|//[^\n]*|/\*[\s\S]*?\*/`, "g"),
      keepString,
    )
    .replaceAll(
      new RegExp(String.raw`${string}|,(?=\s*[}\]])`, "g"),
      keepString,
    );
}
