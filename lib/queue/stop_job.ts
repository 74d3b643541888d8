/**
 * Stops running jobs: the call behind `job.stop()`.
 *
 * @module
 */

import { InvalidJobOperationError } from "../base/errors.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import type { StoppedBy } from "../job/stopped.ts";
import { askToStop } from "../store/stop_job.ts";
import type { Context } from "./context.ts";
import type { WaitFrom, WaitOutcome } from "./result_waiter.ts";
import { noSuchJob, type WaitOptions, waitSignal } from "./wait.ts";

/** Options of {@linkcode Job.stop}. */
export interface StopOptions extends WaitOptions, StoppedBy {}

const OPTIONS = optionNames<StopOptions>({
  timeout: true,
  signal: true,
  by: true,
  reason: true,
});

/**
 * For how many milliseconds to wait before asking again: the message to a worker may get lost, of which one of Python's learns
 * in no other way, and a worker may die.
 */
const AGAIN_MS = 5_000;

/** See {@linkcode Job.stop}. */
export async function stopJob(
  context: Context,
  id: string,
  options: StopOptions,
): Promise<void> {
  const action = `Cannot stop job "${id}"`;
  refuseUnknown(options, OPTIONS, action);
  const { by, reason, ...wait } = options;
  for (const [name, value] of Object.entries({ by, reason })) {
    if (value === undefined || typeof value === "string") continue;
    throw new TypeError(`${action}: ${name} is a ${typeof value}, not a text`);
  }
  const waiting = waitSignal(`job "${id}"`, wait);
  try {
    await askUntilStopped(context, id, { by, reason }, waiting.signal);
  } finally {
    waiting.dispose();
  }
}

async function askUntilStopped(
  context: Context,
  id: string,
  { by, reason }: { by: string | undefined; reason: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  let execution: string | undefined;
  let how = "";
  for (;;) {
    // Before it is asked: from now on, an end without a result is announced.
    const before = await context.store.await(id, signal);
    const wish = { execution, by, reason };
    const reply = await askToStop(context.store, id, wish);
    if (reply.what === "stopped") return;
    if (reply.what === "gone") throw noSuchJob(id, how);
    if (reply.what === "not started") {
      throw notRunning(id, reply.status, execution !== undefined);
    }
    execution = reply.execution;
    const { endsAfter, latest } = before;
    const from = { after: latest?.entryId ?? "0-0", endsAfter };
    const outcome = await waitAWhile(context, id, from, signal);
    if (outcome !== undefined && "how" in outcome) how = outcome.how;
    if (how === "stopped") return; // and its failure is not kept
  }
}

/** Waits for the job's end; `undefined` after a while. */
async function waitAWhile(
  context: Context,
  id: string,
  from: WaitFrom,
  signal: AbortSignal,
): Promise<WaitOutcome | undefined> {
  const over = new AbortController();
  const onAbort = () => over.abort(signal.reason);
  const timer = setTimeout(() => over.abort(), AGAIN_MS);
  signal.addEventListener("abort", onAbort);
  try {
    return await context.waiter.wait(id, from, over.signal);
  } catch (error) {
    signal.throwIfAborted();
    if (over.signal.aborted) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

function notRunning(
  jobId: string,
  status: string,
  wasAsked: boolean,
): InvalidJobOperationError {
  const why = wasAsked
    ? `it was asked to stop, and is ${status} now`
    : `it is ${status || "not running"}, not started`;
  const options = { jobId, status };
  return new InvalidJobOperationError(
    `Cannot stop job "${jobId}": ${why}`,
    options,
  );
}
