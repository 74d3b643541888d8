/**
 * What a test expects to have been enqueued.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { positional } from "../job/call_options.ts";
import { describeCall } from "../job/description.ts";
import { decodeJson, encodeJson } from "../job/json.ts";
import type { JobRecord } from "../job/record.ts";
import { type FuncSource, knownName } from "../queue/func_name.ts";

/** What is expected of an enqueued job besides its function and arguments. */
export interface EnqueuedOptions {
  /** Its keyword arguments. @default they do not matter */
  readonly kwargs?: Readonly<Record<string, unknown>>;
  /** The name of its queue. @default it does not matter */
  readonly queue?: string;
  /** How many such jobs there are. @default at least one */
  readonly times?: number;
}

const BIG_INTS = { bigInts: true } as const;

/** A job that is expected. */
export class ExpectedJob {
  /** `undefined` for a function that no job can have, since nobody has asked for its name yet. */
  readonly #name: string | undefined;
  readonly #label: string;
  readonly #args: readonly unknown[] | undefined;
  readonly #options: EnqueuedOptions;

  /**
   * Takes what is known of it.
   *
   * @throws {TypeError} If no job can have such a function or such arguments.
   */
  constructor(
    func: FuncSource,
    args: readonly unknown[] | undefined,
    options: EnqueuedOptions,
  ) {
    this.#name = knownName(func);
    this.#label = this.#name ??
      ((func as { name?: string }).name || "an anonymous function");
    const isFollowed = options.kwargs !== undefined;
    this.#args = args && stored(positional(args, isFollowed), "args");
    this.#options = options;
  }

  /** Whether a job is one. */
  is(job: JobRecord): boolean {
    const { funcName, args, kwargs } = job.call;
    const { queue } = this.#options;
    const named = this.#options.kwargs;
    return this.#name === funcName &&
      (this.#args === undefined || isDeepStrictEqual(args, this.#args)) &&
      (named === undefined ||
        isDeepStrictEqual(kwargs, stored(named, "kwargs"))) &&
      (queue === undefined || job.text("origin") === queue);
  }

  /** The call, as log lines show it. */
  toString(): string {
    const { kwargs = {}, queue } = this.#options;
    const call = this.#args === undefined
      ? this.#label
      : describeCall(this.#label, this.#args, kwargs);
    return queue === undefined ? call : `${call} on "${queue}"`;
  }
}

/** A value as it comes back from where it is stored. */
function stored<T>(value: T, label: string): T {
  return decodeJson(encodeJson(value, label, BIG_INTS)) as T;
}
