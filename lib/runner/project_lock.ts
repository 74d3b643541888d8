/**
 * Finds the lock file of a job's project.
 *
 * @module
 */

import { dirname, join, resolve as absolute } from "node:path";
import { parseJsonc } from "../base/jsonc.ts";

/** The parts of a `deno.json` that are used here. */
interface Config {
  readonly workspace?: unknown;
  readonly lock?: unknown;
}

/**
 * Finds the lock file of the project that a configuration file belongs to. A workspace has it at its root.
 *
 * @returns Its path, or `undefined` if the project has none.
 * @throws {Error} If a file cannot be read, for another reason than that it is missing or forbidden.
 */
export function lockFileOf(config: string): string | undefined {
  const root = workspaceRootOf(config);
  const { lock } = readConfig(root) ?? {};
  if (lock === false) return undefined;
  const path = typeof lock === "string" ? lock : pathOf(lock) ?? "deno.lock";
  const file = absolute(dirname(root), path);
  return isThere(file) ? file : undefined;
}

function pathOf(lock: unknown): string | undefined {
  if (typeof lock !== "object" || lock === null) return undefined;
  const path = (lock as { path?: unknown }).path;
  return typeof path === "string" ? path : undefined;
}

/** The workspace's configuration file, or the project's own if it is in no workspace. */
function workspaceRootOf(config: string): string {
  for (let dir = dirname(config);; dir = dirname(dir)) {
    const here = dir === dirname(config) ? [config] : configsIn(dir);
    const root = here.find((file) => readConfig(file)?.workspace !== undefined);
    if (root !== undefined) return root;
    if (dir === dirname(dir)) return config;
  }
}

function configsIn(dir: string): string[] {
  return ["deno.json", "deno.jsonc"].map((name) => join(dir, name));
}

/** Reads a configuration; `undefined` if it is missing or invalid, which Deno reports when it starts. */
function readConfig(file: string): Config | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  try {
    const config = parseJsonc(text);
    return typeof config === "object" && config !== null ? config : undefined;
  } catch {
    return undefined;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    if (isOutOfSight(error)) return undefined;
    throw error;
  }
}

function isThere(file: string): boolean {
  try {
    return Deno.statSync(file).isFile;
  } catch (error) {
    if (isOutOfSight(error)) return false;
    throw error;
  }
}

function isOutOfSight(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.IsADirectory ||
    error instanceof Deno.errors.NotCapable ||
    error instanceof Deno.errors.PermissionDenied;
}
