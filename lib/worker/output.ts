/**
 * The program's own stdout and stderr, which log lines and what jobs print share.
 *
 * @module
 */

import { type Dropped, OutputWriter } from "../base/output_writer.ts";
import type { OutputSink } from "../runner/runner.ts";

/** The program's stdout. */
export const STDOUT: OutputWriter = new OutputWriter(Deno.stdout);
/** The program's stderr. */
export const STDERR: OutputWriter = new OutputWriter(Deno.stderr);

/** What a job prints is the worker's output, untouched. */
export const OWN_OUTPUT: OutputSink = {
  stdout: (chunk) => STDOUT.write(chunk),
  stderr: (chunk) => STDERR.write(chunk),
};

/** Milliseconds for which a program that leaves waits for its last lines to be read. */
const FLUSH_MS = 2_000;

/**
 * Waits until all has been written, and tells on one stream what the other did not take.
 *
 * @returns whether it has been written; if not, a write that nobody reads keeps the program alive
 */
export async function flushOutput(): Promise<boolean> {
  const streams = [[STDOUT, STDERR], [STDERR, STDOUT]] as const;
  await Promise.all(streams.map(([stream]) => stream.flush(FLUSH_MS)));
  for (const [stream, other] of streams) {
    const dropped = stream.takeDropped();
    if (dropped !== undefined) other.print(describeDropped(dropped));
  }
  const flushed = streams.map(([stream]) => stream.flush(FLUSH_MS));
  return (await Promise.all(flushed)).every((written) => written);
}

/** One sentence. */
export function describeDropped({ lines, bytes, why }: Dropped): string {
  const parts = [
    ...(lines > 0 ? [`${lines} log line${lines === 1 ? "" : "s"}`] : []),
    ...(bytes > 0 ? [`${bytes} bytes of what jobs printed`] : []),
  ];
  return `Could not write ${parts.join(" and ")}: ${why}`;
}
