/**
 * The program's stdout and stderr, which the log and the output of jobs share.
 *
 * @module
 */

import { type Dropped, OutputWriter } from "../base/output_writer.ts";
import type { OutputSink } from "../runner/runner.ts";

/** The program's stdout. */
export const STDOUT: OutputWriter = new OutputWriter(Deno.stdout);
/** The program's stderr. */
export const STDERR: OutputWriter = new OutputWriter(Deno.stderr);

/** Passes the output of jobs on to the program's own, unchanged. */
export const OWN_OUTPUT: OutputSink = {
  stdout: (chunk) => STDOUT.write(chunk),
  stderr: (chunk) => STDERR.write(chunk),
};

/** How long a program that ends waits for its last lines to be read, in milliseconds. */
const FLUSH_MS = 2_000;

/**
 * Waits until everything is written, and reports on one stream what the other did not take.
 *
 * @returns Whether it is written. If not, a pending write that nobody reads would keep the program alive.
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

/**
 * Reports what was dropped as soon as its stream accepts output again, until the result is disposed of.
 *
 * @param tell Takes one sentence.
 */
export function tellDropped(
  tell: (text: string) => void,
  streams: readonly OutputWriter[] = [STDOUT, STDERR],
): Disposable {
  const onRecovered = (dropped: Dropped) => tell(describeDropped(dropped));
  for (const stream of streams) stream.onRecovered = onRecovered;
  return {
    [Symbol.dispose]() {
      for (const stream of streams) {
        // Of several workers in one program, the last one tells.
        if (stream.onRecovered === onRecovered) stream.onRecovered = undefined;
      }
    },
  };
}

/** Describes dropped output in one sentence. */
function describeDropped({ lines, bytes, why }: Dropped): string {
  const parts = [
    ...(lines > 0 ? [`${lines} log line${lines === 1 ? "" : "s"}`] : []),
    ...(bytes > 0 ? [`${bytes} bytes of what jobs printed`] : []),
  ];
  return `Could not write ${parts.join(" and ")}: ${why}`;
}
