/**
 * The types of a call to enqueue, and its check.
 *
 * @module
 */

import { optionNames, refuseUnknown } from "../base/options.ts";
import { decodeJson, encodeJson, type JsonOptions } from "../job/json.ts";
import type { CallbackOptions } from "../job/callback.ts";
import { JOB_OPTIONS, positional } from "../job/call_options.ts";
import { type DependsOn, type Edges, edgesOf } from "../job/dependency.ts";
import {
  type CheckedJobOptions,
  checkJobOptions,
  type JobOptions,
} from "../job/options.ts";
import { ownOptionsOf, withOwnOptions } from "../job/own_options.ts";
import type { CheckedRateLimit } from "../job/rate_limit.ts";
import type {
  ArgsOf,
  CallArgs,
  FuncOf,
  JobFunction,
  PassedArgs,
  StoredResultOf,
} from "../job/stored.ts";
import type { Job } from "./job.ts";

/** A call to enqueue: function, arguments and options. */
export type EnqueueCall<F extends JobFunction = JobFunction> =
  & CallOptions<F>
  & (CallArgs<F> | PassedArgs<F>);

/** A call to enqueue, without its arguments. */
export interface CallOptions<F extends JobFunction>
  extends
    Omit<JobOptions, keyof CallbackOptions>,
    CallbackOptions<StoredResultOf<F>> {
  /** The function itself, `"./jobs/mail.ts#send"`, a URL, or `"jobs.mail.send"`. */
  readonly func: F | string | URL;
  /** Jobs to wait for. */
  readonly dependsOn?: DependsOn;
}

/** Many calls, each with arguments that fit its own function. */
export type EnqueueCalls<C extends readonly EnqueueCall[]> = readonly [
  ...{
    [K in keyof C]:
      & C[K]
      & CallOptions<FuncOf<C[K]>>
      & ArgsOf<C[K]>
      & { readonly [O in Exclude<keyof C[K], keyof EnqueueCall>]?: never };
  },
];

/** The jobs of many calls, each with its own function's type of result. */
export type JobsOf<C extends readonly EnqueueCall[]> = {
  -readonly [K in keyof C]: Job<StoredResultOf<FuncOf<C[K]>>>;
};

/** A checked call: everything that is stored except the name of its function. */
export interface CheckedCall {
  readonly id: string;
  readonly options: CheckedJobOptions;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly argsJson: string;
  readonly kwargsJson: string;
  readonly metaJson: string;
  readonly edges: Edges;
}

/** The names of all options of a call. */
export const CALL_OPTIONS: Readonly<
  Record<keyof Required<EnqueueCall>, true>
> = {
  ...JOB_OPTIONS,
  func: true,
  args: true,
  kwargs: true,
  dependsOn: true,
};

const OPTIONS = optionNames<Required<EnqueueCall>>(CALL_OPTIONS);

/**
 * Checks a call, with the options that its function brings along, and encodes its values, so that later changes to them
 * have no effect.
 *
 * @throws {RangeError | TypeError} It names the option or the argument that is wrong.
 */
export function checkCall(
  given: EnqueueCall,
  defaultTimeout: number,
  json: JsonOptions,
): CheckedCall {
  refuseUnknown(given, OPTIONS, "Cannot enqueue");
  const call = withOwnOptions(given);
  const options = checkJobOptions(call, defaultTimeout);
  const kwargs = call.kwargs ?? {};
  const kwargsJson = call.kwargs ? encodeJson(kwargs, "kwargs", json) : "{}";
  const args = positional(call.args ?? [], kwargsJson !== "{}");
  const argsJson = encodeJson(args, "args", json);
  if (!argsJson.startsWith("[") || !kwargsJson.startsWith("{")) {
    throw new TypeError(
      "Cannot enqueue: args must be a list, kwargs an object",
    );
  }
  const { meta } = options;
  const metaJson = meta === undefined ? "{}" : encodeJson(meta, "meta", json);
  if (!metaJson.startsWith("{")) {
    throw new TypeError("Cannot use meta: expected an object");
  }
  const edges = edgesOf(call.dependsOn);
  const id = options.jobId ?? crypto.randomUUID();
  if (options.jobId !== undefined && edges.policies.has(id)) {
    throw new RangeError(`Cannot enqueue job "${id}": it depends on itself`);
  }
  return { id, options, args, kwargs, argsJson, kwargsJson, metaJson, edges };
}

/**
 * Checks the arguments of a call by the contract of its function; `undefined` if it has none.
 *
 * @throws {ArgumentsError} If they are not what the contract says.
 */
export function heedContract(
  func: unknown,
  { argsJson, kwargsJson, edges }: CheckedCall,
): Promise<void> | undefined {
  const contract = ownOptionsOf(func)?.contract;
  if (contract === undefined) return undefined;
  const args = decodeJson(argsJson) as unknown[];
  if (kwargsJson !== "{}") args.push(decodeJson(kwargsJson));
  return contract.check(args, edges.passed.length > 0);
}

/** The same call, with the rate limit of its queue if it has none of its own. */
export function withRateLimit(
  call: CheckedCall,
  ofQueue: CheckedRateLimit | undefined,
): CheckedCall {
  const { options } = call;
  if (ofQueue === undefined || options.rateLimit !== undefined) return call;
  return { ...call, options: { ...options, rateLimit: ofQueue } };
}
