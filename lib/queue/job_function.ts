/**
 * Functions that know how they are enqueued: `job()`, RQ's decorator `@job`.
 *
 * @module
 */

import type { Duration } from "../base/duration.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import { JOB_OPTIONS } from "../job/call_options.ts";
import {
  Contract,
  type InputsOf,
  isSchema,
  type OutputsOf,
  type StandardSchema,
} from "../job/contract.ts";
import { checkQueueName } from "../job/names.ts";
import { checkJobOptions, type JobOptions } from "../job/options.ts";
import {
  OWN_OPTIONS,
  type OwnOptions,
  ownOptionsOf,
  withDefaults,
} from "../job/own_options.ts";
import type { JobFunction, StoredArgs, StoredResultOf } from "../job/stored.ts";
import { IdleClient } from "../redis/idle_client.ts";
import { openConnection } from "../store/connection.ts";
import type { CallOptions, EnqueueCall } from "./enqueue_call.ts";
import type { Job } from "./job.ts";
import { Queue } from "./queue.ts";

/** Options of single jobs of a function; see {@linkcode JobMethods.with}. */
export interface EnqueueOptions<F extends JobFunction = JobFunction>
  extends Omit<CallOptions<F>, "func"> {}

/** Options of {@linkcode job}: defaults for all jobs of the function. */
export interface JobFunctionOptions<F extends JobFunction = JobFunction>
  extends EnqueueOptions<F> {
  /**
   * The queue. With a name, it is on the Redis of the environment, and needs no closing: it connects with a call, and
   * closes the connection when it has not been used for 0.1 seconds. A {@linkcode Queue} stays connected until you close
   * it, which is better for programs that enqueue all the time.
   *
   * @default "default"
   */
  readonly queue?: string | Queue;
}

/** Enqueues jobs of one function; see {@linkcode job}. */
export interface JobMethods<F extends JobFunction> {
  /** Enqueues a call; see {@linkcode Queue.enqueue}. */
  enqueue(...args: StoredArgs<F>): Promise<Job<StoredResultOf<F>>>;
  /** Enqueues a call that runs no sooner than at a time. */
  enqueueAt(
    date: Date,
    ...args: StoredArgs<F>
  ): Promise<Job<StoredResultOf<F>>>;
  /** Enqueues a call that runs no sooner than after a time. */
  enqueueIn(
    delay: Duration,
    ...args: StoredArgs<F>
  ): Promise<Job<StoredResultOf<F>>>;
  /** The same with other options: `send.with({ atFront: true }).enqueue("a@b.c")`. They replace those of the function. */
  with(options: EnqueueOptions<F>): JobMethods<F>;
}

/** A function that was made by {@linkcode job}. */
export type Enqueueable<F extends JobFunction> = F & JobMethods<F>;

const OPTIONS = optionNames<JobFunctionOptions>({
  ...JOB_OPTIONS,
  dependsOn: true,
  queue: true,
});

/**
 * Makes a job of a function with a contract: a schema of its argument, of any library that speaks Standard Schema, such as
 * Zod, Valibot or ArkType. The argument is checked when it is enqueued, in the form in which it is stored, and again when
 * the job runs; the function gets what the schema makes of it. What this gives is a function as well, which checks its
 * argument and calls the other one.
 *
 * A job whose arguments are wrong fails with an {@linkcode ArgumentsError}, and is not tried again.
 *
 * @throws {RangeError | TypeError} If an option is invalid, or something is no schema.
 *
 * @example
 * ```ts ignore
 * import { z } from "zod";
 *
 * export const send = job(
 *   z.object({ to: z.email(), copies: z.number().default(1) }),
 *   async function send({ to, copies }) {
 *     // copies is a number
 *   },
 *   { queue: "mail" },
 * );
 *
 * await send.enqueue({ to: "ann@b.org" });
 * ```
 */
export function job<I, O, R>(
  schema: StandardSchema<I, O>,
  func: (argument: O) => R,
  options?: JobFunctionOptions<CheckedFunction<[I], R>>,
): Enqueueable<CheckedFunction<[I], R>>;
/** The same for a function of several arguments, with a schema for each. */
export function job<const S extends readonly StandardSchema[], R>(
  schemas: S,
  func: (...args: OutputsOf<S>) => R,
  options?: JobFunctionOptions<CheckedFunction<InputsOf<S>, R>>,
): Enqueueable<CheckedFunction<InputsOf<S>, R>>;
/**
 * Gives a function a queue, options, and methods that enqueue it, as RQ's decorator `@job` does. It stays the function
 * that it is: a call runs it at once. Export it, and keep it out of the program's main module, as every job's function.
 *
 * The options also hold if it is enqueued by other means: `queue.enqueue(send, …)` takes all but the queue,
 * `currentJob.enqueue(send, …)` the queue, too.
 *
 * @throws {RangeError | TypeError} If an option is invalid, or the function has been made a job before.
 *
 * @example
 * ```ts ignore
 * import { job } from "@deno-rq/rq";
 *
 * export const send = job(
 *   async function send(to: string) {
 *     await fetch(`https://mail.example/${to}`, { method: "POST" });
 *   },
 *   { queue: "mail", retry: 3, timeout: "30s" },
 * );
 *
 * await send.enqueue("a@b.c");
 * await send.enqueueIn("5m", "a@b.c");
 * await send.with({ atFront: true }).enqueue("a@b.c");
 * await send("a@b.c"); // an ordinary call
 * ```
 */
export function job<F extends JobFunction>(
  func: F,
  options?: JobFunctionOptions<F>,
): Enqueueable<F>;
export function job(
  first: JobFunction | StandardSchema | readonly StandardSchema[],
  second?: JobFunction | JobFunctionOptions,
  third?: JobFunctionOptions,
): unknown {
  if (isSchema(first)) return makeJob(second, third, [first]);
  if (Array.isArray(first)) return makeJob(second, third, first);
  return makeJob(first, second as JobFunctionOptions);
}

/** A function that checks its arguments. */
export type CheckedFunction<A extends readonly unknown[], R> = (
  ...args: A extends [infer I]
    ? undefined extends I ? [argument?: I] : [argument: I]
    : A
) => Promise<Awaited<R>>;

function makeJob(
  given: unknown,
  options: JobFunctionOptions = {},
  schemas?: readonly StandardSchema[],
): JobFunction {
  if (!isFunction(given)) {
    throw new TypeError(
      `Cannot make a job of ${typeof given}: expected a function`,
    );
  }
  const label = given.name || "a function";
  if (ownOptionsOf(given) !== undefined) {
    throw new TypeError(
      `Cannot make ${label} a job: it is one already, use its with() for other options`,
    );
  }
  refuseUnknown(options, OPTIONS, `Cannot make ${label} a job`);
  const { queue: named = "default", ...rest } = options;
  checkJobOptions(rest);
  const queue = named instanceof Queue
    ? () => named
    : lazyQueue(checkQueueName(named));
  const name = named instanceof Queue ? named.name : named;
  const own: OwnOptions = { queue: name, options: rest };
  const func = schemas === undefined
    ? withOptions(given, own)
    : withContract(given, own, schemas);
  queues.set(func, queue);
  for (const [key, value] of Object.entries(methodsOf(func, queue, {}))) {
    Object.defineProperty(func, key, { value });
  }
  return func;
}

function isFunction(value: unknown): value is JobFunction {
  return typeof value === "function";
}

function withOptions(func: JobFunction, value: OwnOptions): JobFunction {
  return Object.defineProperty(func, OWN_OPTIONS, { value });
}

/** A function that checks its arguments, and calls the one that was given. */
function withContract(
  given: JobFunction,
  own: OwnOptions,
  schemas: readonly StandardSchema[],
): JobFunction {
  const label = given.name || "the job";
  const odd = schemas.findIndex((schema) => !isSchema(schema));
  if (odd >= 0) {
    throw new TypeError(
      `Cannot make a job of ${label}: schema ${odd} of the list is none, expected one of Standard Schema, such as Zod's`,
    );
  }
  const contract = new Contract(schemas, label);
  const func = async function (this: unknown, ...args: unknown[]) {
    return await given.apply(this, await contract.parse(args));
  };
  Object.defineProperty(func, "name", { value: given.name });
  return withOptions(func, { ...own, contract, inner: given });
}

/** The queues of functions, for tests. */
const queues = new WeakMap<JobFunction, () => Queue>();

/** The queue of a function that was made by {@linkcode job}. */
export function queueOf(func: JobFunction): Queue | undefined {
  return queues.get(func)?.();
}

/** Not before the first call: a job's process loads the function, and may have no permission to look where Redis is. */
function lazyQueue(name: string): () => Queue {
  let queue: Queue | undefined;
  return () =>
    queue ??= new Queue(name, {
      connection: new IdleClient(() => openConnection({}).client),
    });
}

function methodsOf<F extends JobFunction>(
  func: F,
  queue: () => Queue,
  options: EnqueueOptions,
): JobMethods<F> {
  const enqueue = async (
    args: StoredArgs<F>,
    more: JobOptions = {},
  ): Promise<Job<StoredResultOf<F>>> => {
    const call = { ...withDefaults(options, more), func, args };
    return await queue().enqueueCall(call as unknown as EnqueueCall<F>);
  };
  return {
    enqueue: (...args) => enqueue(args),
    enqueueAt: (date, ...args) => enqueue(args, { at: date }),
    enqueueIn: (delay, ...args) => enqueue(args, { in: delay }),
    with: (more) => methodsOf(func, queue, withDefaults(options, more)),
  };
}
