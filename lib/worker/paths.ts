/**
 * Where a worker looks for job modules if it is not told.
 *
 * @module
 */

import { dirname } from "node:path";
import { nearestConfig } from "../runner/resolve.ts";

/** The project of the working directory, which is the folder of the nearest `deno.json`, then the working directory. */
export function defaultPaths(): string[] {
  const here = Deno.cwd();
  const config = nearestConfig(here);
  return [...new Set([...(config ? [dirname(config)] : []), here])];
}
