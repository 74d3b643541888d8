/**
 * The default paths of job modules.
 *
 * @module
 */

import { projectRoot } from "../base/project.ts";

/** The project of the working directory, a workspace as a whole, then the working directory. */
export function defaultPaths(): string[] {
  const here = Deno.cwd();
  return [...new Set([projectRoot(here) ?? here, here])];
}
