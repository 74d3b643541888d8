/**
 * The main module of the subprocess that runs one job. A worker starts it and
 * speaks to it; it is of no use by itself.
 *
 * ```sh
 * deno run jsr:@deno-rq/rq/child
 * ```
 *
 * It holds no connection, imports nothing but what running a job needs, and ends
 * when its stdin does. The job's own `Deno.stdin` is empty: the real one carries
 * what the worker says.
 *
 * @module
 */

import { runChild } from "./child_main.ts";

// Not only as the main module: where the job's module has to be in the static
// graph, the main module is a line of code that names both.
runChild();

/**
 * The module that jobs import to ask about themselves. It is named here, and not loaded, so that it belongs to the
 * graph of this one: then a job needs no permission to read it.
 */
export function currentModule(): Promise<typeof import("./current.ts")> {
  return import("./current.ts");
}
