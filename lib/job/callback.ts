/** Functions that are called when a job ends: the options, and what the functions are given. @module */

import { type Duration, parseDuration } from "../base/duration.ts";
import { optionNames, unknownOption } from "../base/option_names.ts";
import type { JobFunction } from "./stored.ts";

/** What a callback is told of the job that has ended. */
export interface EndedJob {
  /** Its id. */
  readonly id: string;
  /** The name of its queue. */
  readonly queue: string;
  /** Its function as stored, such as `jobs.mail.send`; empty if its data cannot be read. */
  readonly func: string;
  /** Its arguments. */
  readonly args: readonly unknown[];
  /** Its named arguments. */
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** Its `meta`, as it was at the end. */
  readonly meta: Readonly<Record<string, unknown>>;
  /** When it was enqueued, in ISO 8601; empty if that is not known. */
  readonly enqueuedAt: string;
  /** When it began. */
  readonly startedAt: string;
  /** When it ended. */
  readonly endedAt: string;
  /** The name of the worker that ran it. */
  readonly worker: string;
}

/** What `onSuccess` is told. */
export interface FinishedJob<R = unknown> extends EndedJob {
  /** How it ended. */
  readonly status: "finished";
  /** What it returned. */
  readonly result: R;
}

/** What `onFailure` is told. */
export interface FailedJob extends EndedJob {
  /** How it ended: it was not tried again after that. */
  readonly status: "failed";
  /** The error as text: its name and message, the stack, its causes. */
  readonly error: string;
}

/** What `onStopped` is told. */
export interface StoppedJob extends EndedJob {
  /** How it ended: somebody stopped it while it ran. */
  readonly status: "stopped";
  /** That it was stopped, in RQ's words. */
  readonly error: string;
}

/** The function of a callback, named as that of a job is. */
export type CallbackFunc<E extends EndedJob> =
  | string
  | URL
  | ((job: E) => unknown);

/** A callback with its own options; made by {@linkcode callback}. */
export interface Callback<E extends EndedJob = never> {
  /** The function. */
  readonly func: CallbackFunc<E>;
  /**
   * Its longest run, in seconds or as text.
   *
   * @default 60
   */
  readonly timeout?: Duration;
}

/** The callbacks of a call, whose job returns `R`. */
export interface CallbackOptions<R = unknown> {
  /**
   * Called after each success of the job, in a job of its own; see {@linkcode FinishedJob}.
   *
   * @default none
   */
  readonly onSuccess?:
    | CallbackFunc<FinishedJob<R>>
    | Callback<FinishedJob<R>>;
  /**
   * Called when the job has failed and is not tried again, in a job of its own; see {@linkcode FailedJob}. A job that
   * exceeds its time, or whose process or worker dies, has failed too.
   *
   * @default none
   */
  readonly onFailure?: CallbackFunc<FailedJob> | Callback<FailedJob>;
  /**
   * Called when the job was stopped while it ran, in a job of its own; see {@linkcode StoppedJob}.
   *
   * @default none
   */
  readonly onStopped?: CallbackFunc<StoppedJob> | Callback<StoppedJob>;
}

/** The words by which RQ's fields begin, and the options. */
export const CALLBACK_KINDS = {
  success: "onSuccess",
  failure: "onFailure",
  stopped: "onStopped",
} as const;

/** The kind of a callback. */
export type CallbackKind = keyof typeof CALLBACK_KINDS;

const KINDS = Object.keys(CALLBACK_KINDS) as CallbackKind[];

/** A callback after the check. Its function is not named yet. */
export interface CheckedCallback {
  readonly kind: CallbackKind;
  readonly func: JobFunction | string | URL;
  readonly timeout: number;
}

/** RQ's `CALLBACK_TIMEOUT`, in seconds. */
export const CALLBACK_TIMEOUT = 60;

const OPTIONS = optionNames<Required<Callback>>({ func: true, timeout: true });

/**
 * For the options `onSuccess`, `onFailure` and `onStopped`: a callback with a time limit of its own.
 *
 * @throws {RangeError | TypeError} If it cannot be called like that.
 *
 * @example
 * ```ts ignore
 * await queue.enqueueCall({
 *   func: "jobs.mail.send",
 *   onFailure: callback("jobs.mail.complain", { timeout: "5m" }),
 * });
 * ```
 */
export function callback<E extends EndedJob>(
  func: CallbackFunc<E>,
  options: { readonly timeout?: Duration } = {},
): Callback<E> {
  const made = { ...options, func };
  checkCallback(made, "callback()");
  return made;
}

/**
 * Checks the callbacks of a call.
 *
 * @throws {RangeError | TypeError} It names the option that is wrong.
 */
export function checkCallbacks(
  options: CallbackOptions<never>,
): CheckedCallback[] {
  const callbacks: CheckedCallback[] = [];
  for (const kind of KINDS) {
    const option = CALLBACK_KINDS[kind];
    const value: unknown = options[option];
    if (value === undefined) continue;
    callbacks.push({ kind, ...checkCallback(value, option) });
  }
  return callbacks;
}

function checkCallback(
  value: unknown,
  label: string,
): Omit<CheckedCallback, "kind"> {
  if (isFunc(value)) return { func: value, timeout: CALLBACK_TIMEOUT };
  if (typeof value !== "object" || value === null) {
    throw new TypeError(
      `Cannot use ${label}: expected a function, its name or callback(), got ${typeof value}`,
    );
  }
  const unknown = unknownOption(value, OPTIONS, `Cannot use ${label}`);
  if (unknown !== undefined) {
    throw new TypeError(
      `Cannot use ${label}: there is no option "${unknown}", there are ${
        [...OPTIONS].join(", ")
      }`,
    );
  }
  const { func, timeout } = value as { func?: unknown; timeout?: Duration };
  if (!isFunc(func)) {
    throw new TypeError(
      `Cannot use ${label}: expected a function or its name, got ${typeof func}`,
    );
  }
  return {
    func,
    timeout: timeout === undefined
      ? CALLBACK_TIMEOUT
      : parseDuration(timeout, `timeout of ${label}`),
  };
}

function isFunc(value: unknown): value is JobFunction | string | URL {
  return typeof value === "function" || typeof value === "string" ||
    value instanceof URL;
}
