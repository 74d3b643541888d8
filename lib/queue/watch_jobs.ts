/** Watching the jobs of several queues, or of all. @module */

import { checkQueueName } from "../job/names.ts";
import {
  CONNECTION_OPTIONS,
  type ConnectionOptions,
} from "../store/connection.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import { Context } from "./context.ts";
import type { WatchOptions } from "./watch_options.ts";
import { type QueueEvent, watchQueues } from "./watch_queue.ts";

/** Options of {@linkcode watchJobs}. */
export interface WatchJobsOptions extends ConnectionOptions, WatchOptions {
  /**
   * The names of the queues.
   *
   * @default all
   */
  readonly queues?: readonly string[];
}

const OPTIONS = optionNames<WatchJobsOptions>({
  ...CONNECTION_OPTIONS,
  signal: true,
  queues: true,
});

/**
 * Tells what happens to the jobs of all queues, or of some, from now on, without end. What Python programs do is not told.
 *
 * @example
 * ```ts ignore
 * for await (const event of watchJobs({ signal })) {
 *   if (event.type === "status") console.log(event.queue, event.jobId, event.status);
 * }
 * ```
 *
 * @throws {TypeError} If there is an unknown option.
 */
export async function* watchJobs(
  options: WatchJobsOptions = {},
): AsyncGenerator<QueueEvent> {
  refuseUnknown(options, OPTIONS, "Cannot watch jobs");
  const { queues = [], signal, ...connection } = options;
  const names = queues.map(checkQueueName);
  const context = new Context(connection);
  try {
    yield* watchQueues(context, names, signal === undefined ? {} : { signal });
  } finally {
    await context.close();
  }
}
