/**
 * Whether subprocesses can be started at all, asked before there is a job.
 *
 * @module
 */

import { isOwnChild } from "./launch.ts";
import { Processes, type ProcessesOptions } from "./processes.ts";

/**
 * Starts a subprocess in which no job has a part, if there is a doubt that it can be: another program than this
 * one runs it, with further arguments, or it is loaded from elsewhere than a file beside this one.
 *
 * @returns why it cannot be started; nothing if it can, or if the signal fires meanwhile
 */
export async function checkStart(
  options: Omit<ProcessesOptions, "sink">,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { denoArgs = [], execPath } = options;
  if (execPath === undefined && denoArgs.length === 0 && isOwnChild(options)) {
    return undefined;
  }
  const processes = new Processes(
    { ...options, prewarm: 0, sink: SILENT },
    "process",
  );
  try {
    return (await processes.check(signal))?.message;
  } catch (error) {
    if (!signal.aborted) throw error;
    return undefined;
  } finally {
    await processes.close();
  }
}

/** What it says is in the reason. */
const SILENT = {
  stdout: () => Promise.resolve(),
  stderr: () => Promise.resolve(),
};
