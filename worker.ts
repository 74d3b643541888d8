/**
 * The worker: run it as a program,
 *
 * ```sh
 * deno run -A jsr:@deno-rq/rq/worker --queues high,low
 * ```
 *
 * or embed it:
 *
 * ```ts ignore
 * import { Worker } from "@deno-rq/rq/worker";
 *
 * await new Worker("low", { burst: true, log: console }).work();
 * ```
 *
 * @module
 */

import { main } from "./lib/cli/main.ts";
import { isChildInvocation } from "./lib/runner/protocol.ts";
import { flushOutput } from "./lib/worker/output.ts";

export { type LogFormat, type LogLevel, makeLogger } from "./lib/cli/log.ts";
export type { LogFacts, LogMethod, WorkerLog } from "./lib/worker/log.ts";
export type { DequeueStrategy } from "./lib/worker/queue_order.ts";
export type { Size } from "./lib/base/size.ts";
export type { Isolation } from "./lib/job/isolation.ts";
export type { WorkerOptions } from "./lib/worker/options.ts";
export { CannotStartError, WorkerNameTakenError } from "./lib/worker/errors.ts";
export { Worker } from "./lib/worker/worker.ts";
export type {
  RunFacts,
  RunOutcome,
  WorkerEvent,
  WorkerEventsOptions,
} from "./lib/worker/worker_events.ts";

if (import.meta.main) {
  // A compiled worker starts itself again for each job, so this is checked before anything else. Naming the
  // module here also puts it into this module's graph: whoever has cached the worker has cached the child too.
  if (isChildInvocation(Deno.args)) await import("./lib/runner/child.ts");
  else {
    Deno.exitCode = 1; // in case main() throws
    try {
      Deno.exitCode = await main(Deno.args);
    } finally {
      // A pending write that nobody reads would keep the program alive.
      if (!(await flushOutput())) Deno.exit();
    }
  }
}
