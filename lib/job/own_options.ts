/**
 * Options that belong to a function: those that `job()` has given it. They are the defaults of each of its jobs, however
 * it is enqueued.
 *
 * @module
 */

import type { Contract } from "./contract.ts";
import type { JobOptions } from "./options.ts";
import type { JobFunction } from "./stored.ts";

/**
 * The property under which a function has them. A registered symbol: a job may have loaded `job()` and `currentJob` from
 * different URLs, which makes them modules that share nothing else.
 */
export const OWN_OPTIONS: unique symbol = Symbol.for("deno-rq.options");

/** What `job()` was told, without the connection. */
export interface OwnOptions {
  /** The name of its queue. */
  readonly queue: string;
  /** The others. */
  readonly options: JobOptions;
  /** What its arguments have to be. @default anything */
  readonly contract?: Pick<Contract, "check">;
  /** The function behind it, where it checks its arguments first. @default itself */
  readonly inner?: JobFunction;
}

/** The options of a function, if it was made by `job()`. */
export function ownOptionsOf(func: unknown): OwnOptions | undefined {
  return typeof func === "function"
    ? (func as { [OWN_OPTIONS]?: OwnOptions })[OWN_OPTIONS]
    : undefined;
}

/** Adds those of its function to the options of a call. */
export function withOwnOptions<T extends JobOptions & { func: unknown }>(
  call: T,
): T {
  const own = ownOptionsOf(call.func);
  return own === undefined ? call : withDefaults(own.options, call);
}

/** Adds defaults to options. A time in the options replaces one in the defaults, whether it is said by `at` or by `in`. */
export function withDefaults<T extends JobOptions>(
  defaults: JobOptions,
  options: T,
): T {
  const all = { ...defaults, ...options };
  if (options.at !== undefined) delete (all as { in?: unknown }).in;
  if (options.in !== undefined) delete (all as { at?: unknown }).at;
  return all;
}
