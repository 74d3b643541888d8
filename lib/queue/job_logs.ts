/** Behind `job.logs()`. @module */

import { optionNames, refuseUnknown } from "../base/options.ts";
import { type LogLine, readLog } from "../store/log_lines.ts";
import type { Context } from "./context.ts";
import { noSuchJob } from "./wait.ts";
import { watchJob } from "./watch_job.ts";
import type { WatchOptions } from "./watch_options.ts";

/** Options of {@linkcode Job.logs}. */
export interface LogsOptions extends WatchOptions {
  /**
   * Whether to go on with the lines that come, until the job has ended.
   *
   * @default false
   */
  readonly follow?: boolean;
}

const OPTIONS = optionNames<LogsOptions>({ follow: true, signal: true });

/** The lines of a job's log. */
export async function* jobLogs(
  context: Context,
  of: { readonly id: string; readonly queue: string },
  options: LogsOptions,
): AsyncGenerator<LogLine> {
  refuseUnknown(options, OPTIONS, `Cannot read the log of job "${of.id}"`);
  const { follow = false, signal } = options;
  signal?.throwIfAborted();
  if (follow) return yield* followed(context, of, { ...signal && { signal } });
  let isEmpty = true;
  for await (const page of readLog(context.store, of.id, "0-0")) {
    for (const [, line] of page) {
      signal?.throwIfAborted();
      yield line;
    }
    isEmpty = false;
  }
  if (isEmpty && !await context.store.exists(of.id)) throw noSuchJob(of.id);
}

async function* followed(
  context: Context,
  of: { readonly id: string; readonly queue: string },
  options: WatchOptions,
): AsyncGenerator<LogLine> {
  for await (const event of watchJob(context, of, options)) {
    if (event.type !== "log") continue;
    const { line, source, text, at, attempt } = event;
    yield { line, source, text, at, attempt };
  }
}
