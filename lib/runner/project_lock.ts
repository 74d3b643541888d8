/**
 * Finds the lock file of a job's project.
 *
 * @module
 */

import { dirname, resolve as absolute } from "node:path";
import { isVisibleFile } from "../base/files.ts";
import { projectConfig, readConfig } from "../base/project.ts";

/**
 * Finds the lock file of the project that a configuration file belongs to. A workspace has it at its root.
 *
 * @returns Its path, or `undefined` if the project has none.
 * @throws {Error} If a file cannot be read, for another reason than that it is missing or forbidden.
 */
export function lockFileOf(config: string): string | undefined {
  const root = projectConfig(config);
  const { lock } = readConfig(root) ?? {};
  if (lock === false) return undefined;
  const path = typeof lock === "string" ? lock : pathOf(lock) ?? "deno.lock";
  const file = absolute(dirname(root), path);
  return isVisibleFile(file) ? file : undefined;
}

function pathOf(lock: unknown): string | undefined {
  if (typeof lock !== "object" || lock === null) return undefined;
  const path = (lock as { path?: unknown }).path;
  return typeof path === "string" ? path : undefined;
}
