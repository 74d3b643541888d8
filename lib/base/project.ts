/**
 * The project that a file belongs to: what names of modules are relative to.
 *
 * @module
 */

import { dirname, join, relative, resolve, sep } from "node:path";

const CONFIGS = ["deno.json", "deno.jsonc"];

/** The nearest configuration file in a directory or above it; one that may not be looked at is not there. */
export function nearestConfig(directory: string): string | undefined {
  for (let dir = resolve(directory);; dir = dirname(dir)) {
    const config = configIn(dir);
    if (config !== undefined) return config;
    if (dir === dirname(dir)) return undefined;
  }
}

/**
 * The root of the project of a directory: the folder of the nearest `deno.json` in it or above, or of the one further
 * above that has this folder in its `workspace`.
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
 * Whether a path is a file. Not `Deno.stat`: its trip to another thread takes twenty times as long as the
 * call, and is on every job's way.
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

/** As {@linkcode isFile}; what may not be looked at is not there. */
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

/** The members that a configuration names; none where it cannot be read, which Deno itself reports. */
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

/** As Deno reads them: `packages/*` names each folder there, `!packages/old` takes one out again. */
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

/** Comments and commas at the end of lists, which `deno.jsonc` may have. */
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
