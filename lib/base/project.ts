/**
 * Finds the project that a file belongs to. Names of modules are relative to it.
 *
 * @module
 */

import { dirname, join, relative, resolve, sep } from "node:path";
import { isVisibleFile, readVisibleFile } from "./files.ts";
import { parseJsonc } from "./jsonc.ts";
import { IS_DENO } from "./platform.ts";

/** The files that mark a project. A program on Node or Bun may have no other than `package.json`. */
const CONFIGS = IS_DENO
  ? ["deno.json", "deno.jsonc"]
  : ["deno.json", "deno.jsonc", "package.json"];

/** The parts of a `deno.json` that are used here. */
export interface DenoConfig {
  readonly workspace?: unknown;
  readonly lock?: unknown;
}

/** The nearest configuration file in a directory or above it. A directory that must not be read counts as empty. */
export function nearestConfig(directory: string): string | undefined {
  for (const folder of upwards(directory)) {
    const config = configIn(folder);
    if (config !== undefined) return config;
  }
  return undefined;
}

/**
 * The configuration file of the project that a configuration file belongs to: that of the workspace which lists its
 * folder, else the file itself.
 */
export function projectConfig(config: string): string {
  const member = dirname(resolve(config));
  for (const folder of upwards(dirname(member))) {
    const above = configIn(folder);
    if (above === undefined) continue;
    const path = relative(folder, member).split(sep).join("/");
    if (hasMember(workspaceOf(above), path)) return above;
  }
  return config;
}

/**
 * The root of a directory's project: the folder of the nearest `deno.json` in it or above, or of the one further up
 * that lists this folder in its `workspace`.
 */
export function projectRoot(directory: string): string | undefined {
  const config = nearestConfig(directory);
  return config === undefined ? undefined : dirname(projectConfig(config));
}

/** Reads a configuration file; `undefined` if it is missing or invalid, which Deno reports when it starts. */
export function readConfig(file: string): DenoConfig | undefined {
  const text = readVisibleFile(file);
  if (text === undefined) return undefined;
  try {
    const config = parseJsonc(text);
    return typeof config === "object" && config !== null ? config : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A directory, and those above it. */
function* upwards(directory: string): Generator<string> {
  for (let folder = resolve(directory);; folder = dirname(folder)) {
    yield folder;
    if (folder === dirname(folder)) return;
  }
}

function configIn(directory: string): string | undefined {
  return CONFIGS.map((name) => join(directory, name)).find(isVisibleFile);
}

/** The workspace members in a configuration file. */
function workspaceOf(config: string): readonly string[] {
  const workspace = readConfig(config)?.workspace;
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
        : part.replaceAll(/[^\w/]/g, "\\$&"),
  );
  return new RegExp(`^${source}$`);
}
