/**
 * Functions that know how they are enqueued: `job()`, RQ's decorator `@job`.
 *
 * @module
 */

import type { Duration } from "../base/duration.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import { JOB_OPTIONS } from "../job/call_options.ts";
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
  options: JobFunctionOptions<F> = {},
): Enqueueable<F> {
  if (typeof func !== "function") {
    throw new TypeError(
      `Cannot make a job of ${typeof func}: expected a function`,
    );
  }
  const label = func.name || "a function";
  if (ownOptionsOf(func) !== undefined) {
    throw new TypeError(
      `Cannot make ${label} a job: it is one already, use its with() for other options`,
    );
  }
  refuseUnknown(options, OPTIONS, `Cannot make ${label} a job`);
  const { queue: given = "default", ...rest } = options;
  checkJobOptions(rest);
  const queue = given instanceof Queue
    ? () => given
    : lazyQueue(checkQueueName(given));
  const name = given instanceof Queue ? given.name : given;
  queues.set(func, queue);
  const own: OwnOptions = { queue: name, options: rest };
  Object.defineProperty(func, OWN_OPTIONS, { value: own });
  for (const [key, value] of Object.entries(methodsOf(func, queue, {}))) {
    Object.defineProperty(func, key, { value });
  }
  return func as Enqueueable<F>;
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
