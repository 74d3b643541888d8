/**
 * Waits for the end of a job.
 *
 * @module
 */

import { MAX_DELAY, pause } from "../base/timers.ts";
import { type Duration, parseDuration } from "../base/duration.ts";
import {
  InvalidJobOperationError,
  JobFailedError,
  NoSuchJobError,
} from "../base/errors.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import { errorOfTraceback, headlineOf } from "../job/failure.ts";
import {
  decodeFailure,
  decodeResult,
  failureOf,
  isSuccess,
  type StoredResult,
} from "../job/result_codec.ts";
import { hasEnded, type JobStatus, statusOfText } from "../job/status.ts";
import type { Context } from "./context.ts";

/** Options of {@linkcode Job.wait} and {@linkcode Group.wait}. */
export interface WaitOptions {
  /**
   * Longest wait: seconds (also fractions), or text such as `"90s"`, `"5m"`.
   *
   * @default Infinity
   */
  readonly timeout?: Duration;
  /** Ends the wait; what is waited for is not affected. */
  readonly signal?: AbortSignal;
}

const OPTIONS = optionNames<WaitOptions>({ timeout: true, signal: true });

/** Waits for the end of a job; see {@linkcode Job.wait}. */
export async function waitForResult(
  context: Context,
  id: string,
  options: WaitOptions,
): Promise<unknown> {
  const signal = waitSignal(`job "${id}"`, options);
  try {
    let how = "";
    for (;;) {
      const before = await context.store.await(id, signal.signal);
      if (!before.exists) throw noSuchJob(id, how);
      if (before.inVain !== null) throw inVain(id, before.inVain);
      const status = statusOfText(before.status);
      if (status === "canceled") throw await canceled(context, id);
      if (hasEnded(status)) {
        return before.latest === null
          ? await concludeWithoutResult(context, id, status, how, signal.signal)
          : conclude(context, id, before.latest);
      }
      const after = before.latest?.entryId ?? "0-0";
      const from = { after, endsAfter: before.endsAfter };
      const outcome = await context.waiter.wait(id, from, signal.signal);
      if ("entryId" in outcome) return conclude(context, id, outcome);
      how = outcome.how;
    }
  } finally {
    signal.dispose();
  }
}

function conclude(
  context: Context,
  id: string,
  result: StoredResult,
): unknown {
  if (isSuccess(result)) return decodeResult(result, context);
  throw failedError(id, decodeFailure(result));
}

/** How long to wait for the failure's text, in milliseconds: Python writes it after the status. */
const TEXT_FOLLOWS_MS = 500;

/** For jobs that ended without a result in the stream: by RQ's maintenance, or RQ before 1.12. */
async function concludeWithoutResult(
  context: Context,
  id: string,
  status: JobStatus | null,
  how: string,
  signal: AbortSignal,
): Promise<unknown> {
  const from = performance.now();
  for (;;) {
    const record = await context.store.fetch(id);
    if (status === "finished") {
      const unkept = how === status || record?.integer("result_ttl") === 0;
      if (unkept) throw noSuchJob(id, status);
      return undefined;
    }
    const text = record && failureOf(record);
    const isLate = performance.now() - from > TEXT_FOLLOWS_MS;
    if (text || isLate) throw failedError(id, text || "Error: no text");
    await pause(50, signal);
    signal.throwIfAborted();
  }
}

function failedError(jobId: string, excInfo: string): JobFailedError {
  return new JobFailedError(`Job "${jobId}" failed: ${headlineOf(excInfo)}`, {
    jobId,
    excInfo,
    cause: errorOfTraceback(excInfo),
  });
}

async function canceled(
  { store }: Context,
  id: string,
): Promise<InvalidJobOperationError> {
  const by = (await store.fetch(id))?.decidedBy;
  const why = by ? `, since job "${by.id}" ${STATES[by.status]}` : "";
  return new InvalidJobOperationError(
    `Cannot wait for job "${id}": it is canceled${why}`,
    { jobId: id, status: "canceled" },
  );
}

const STATES: Readonly<Record<string, string>> = {
  failed: "has failed",
  stopped: "was stopped",
  canceled: "was canceled",
  gone: "is gone",
  deleted: "is gone",
};

/** A parent has not finished, and the dependency does not allow failure: the job stays deferred. */
function inVain(
  id: string,
  { parent, status }: { parent: string; status: string },
): InvalidJobOperationError {
  return new InvalidJobOperationError(
    `Cannot wait for job "${id}": job "${parent}", on which it depends, ${
      STATES[status] ?? "has ended"
    }, so it stays deferred`,
    { jobId: id, status: "deferred" },
  );
}

/** A signal that combines the timeout and the caller's signal; `what` is waited for. */
export function waitSignal(
  what: string,
  options: WaitOptions,
): { signal: AbortSignal; dispose: () => void } {
  refuseUnknown(options, OPTIONS, `Cannot wait for ${what}`);
  const { timeout = Infinity, signal } = options;
  const millis = 1_000 * parseDuration(timeout, "timeout", {
    zero: true,
    fraction: true,
    infinite: true,
  });
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort);
  const timer = millis > MAX_DELAY ? undefined : setTimeout(() => {
    const text = `${what[0]!.toUpperCase()}${
      what.slice(1)
    } has not ended within ${millis / 1_000} s`;
    controller.abort(new DOMException(text, "TimeoutError"));
  }, millis);
  return {
    signal: controller.signal,
    dispose() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    },
  };
}

/** The error for a job that does not exist; `how` is its last status, if that is known. */
export function noSuchJob(id: string, how = ""): NoSuchJobError {
  const state = UNKEPT[how] ??
    "it never existed, was deleted or has expired";
  return new NoSuchJobError(`No such job "${id}": ${state}`, { jobId: id });
}

const UNKEPT: Readonly<Record<string, string>> = {
  finished: "it has finished, and its result is not kept",
  failed: "it has failed, and its failure is not kept",
};
