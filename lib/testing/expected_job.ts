/**
 * What a test expects to have been enqueued.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { type Duration, parseDuration } from "../base/duration.ts";
import { positional } from "../job/call_options.ts";
import { describeCall } from "../job/description.ts";
import { decodeJson, encodeJson } from "../job/json.ts";
import { type FuncSource, knownName } from "../queue/func_name.ts";
import type { MemoryJob } from "./memory_job.ts";

/** What is expected of an enqueued job besides its function and arguments. */
export interface EnqueuedOptions {
  /** Its keyword arguments. @default they do not matter */
  readonly kwargs?: Readonly<Record<string, unknown>>;
  /** The name of its queue. @default it does not matter */
  readonly queue?: string;
  /** When it may run, if it was enqueued with `at`. @default it does not matter */
  readonly at?: Date;
  /** After how long it may run, if it was enqueued with `in`. @default it does not matter */
  readonly in?: Duration;
  /** How many such jobs there are. @default at least one */
  readonly times?: number;
}

const DELAY = { zero: true, fraction: true } as const;
const BIG_INTS = { bigInts: true } as const;

/** A job that is expected. */
export class ExpectedJob {
  /** `undefined` for a function that no job can have, since nobody has asked for its name yet. */
  readonly #name: string | undefined;
  readonly #label: string;
  readonly #args: readonly unknown[] | undefined;
  readonly #options: EnqueuedOptions;
  readonly #delay: number | undefined;

  /**
   * Takes what is known of it.
   *
   * @throws {RangeError | TypeError} If no job can have such a function, such arguments or such a delay.
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
    this.#delay = options.in === undefined
      ? undefined
      : Math.round(1_000 * parseDuration(options.in, "in", DELAY));
  }

  /** Whether a job is one. */
  is({ record, origin, due, since }: MemoryJob): boolean {
    const { funcName, args, kwargs } = record.call;
    const { queue, at } = this.#options;
    const named = this.#options.kwargs;
    return this.#name === funcName &&
      (this.#args === undefined || isDeepStrictEqual(args, this.#args)) &&
      (named === undefined ||
        isDeepStrictEqual(kwargs, stored(named, "kwargs"))) &&
      (queue === undefined || origin === queue) &&
      (at === undefined || due === at.getTime()) &&
      (this.#delay === undefined || due === since + this.#delay);
  }

  /** The call, as log lines show it. */
  toString(): string {
    const { kwargs = {}, queue, at } = this.#options;
    const parts = [
      this.#args === undefined
        ? this.#label
        : describeCall(this.#label, this.#args, kwargs),
      ...(queue === undefined ? [] : [`on "${queue}"`]),
      ...(at === undefined ? [] : [`at ${at.toISOString()}`]),
      ...(this.#delay === undefined ? [] : [`in ${this.#delay / 1_000} s`]),
    ];
    return parts.join(" ");
  }
}

/** A value as it comes back from where it is stored. */
function stored<T>(value: T, label: string): T {
  return decodeJson(encodeJson(value, label, BIG_INTS)) as T;
}
