/**
 * The main module of the subprocess that runs jobs. It is started by a worker
 * and useless by itself.
 *
 * ```sh
 * deno run jsr:@deno-rq/rq/child
 * ```
 *
 * It has no connection to Redis, imports only what running a job needs, and exits
 * when its control pipe ends. The job's `Deno.stdin` is empty, even where the real
 * stdin is the control pipe.
 *
 * @module
 */

import { runChild } from "./child_main.ts";

// Not only as the main module: where the job's module must be in the static
// graph, the main module is a generated one that imports both.
runChild();

/**
 * The module that jobs import as `current`. It is named but not loaded here, so that it is in this module's graph, and
 * a job needs no permission to read it.
 */
export function currentModule(): Promise<typeof import("./current.ts")> {
  return import("./current.ts");
}
