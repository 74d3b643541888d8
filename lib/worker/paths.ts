/**
 * Where a worker looks for job modules if it is not told.
 *
 * @module
 */

import { dirname } from "node:path";
import { nearestConfig } from "../runner/resolve.ts";

/** The project of the working directory, which is the folder of the nearest `deno.json`, then the working directory. */
export async function defaultPaths(): Promise<string[]> {
  const here = Deno.cwd();
  const config = await nearestConfig(here);
  return [...new Set([...(config ? [dirname(config)] : []), here])];
}
