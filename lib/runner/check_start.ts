/**
 * Checks before the first job whether subprocesses can be started at all.
 *
 * @module
 */

import { isOwnChild } from "./launch.ts";
import { Processes, type ProcessesOptions } from "./processes.ts";

/**
 * Starts a subprocess without a job if the start might fail: if another program runs it, with further arguments, its
 * main module is not a file beside this one, or it loads modules of the user before it is ready.
 *
 * @param isForced Whether to start one in any case.
 * @returns Why it cannot be started; `undefined` if it can, or if the signal is aborted first.
 */
export async function checkStart(
  options: Omit<ProcessesOptions, "sink">,
  signal: AbortSignal,
  isForced = false,
): Promise<string | undefined> {
  const { denoArgs = [], execPath, hooks } = options;
  const isPlain = execPath === undefined && denoArgs.length === 0 &&
    hooks === undefined;
  if (!isForced && isPlain && isOwnChild(options)) return undefined;
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

/** Discards its output, whose end is in the reason anyway. */
const SILENT = {
  stdout: () => Promise.resolve(),
  stderr: () => Promise.resolve(),
};
