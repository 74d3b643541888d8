/**
 * The jobs that a group calls for: checked and packed when the group is created, enqueued by the script that counts its last
 * end.
 *
 * @module
 */

import { checkQueueName } from "../job/names.ts";
import { DEFAULT_TIMEOUT } from "../job/options.ts";
import { ownOptionsOf } from "../job/own_options.ts";
import type { CallArgs, JobFunction } from "../job/stored.ts";
import { packJob } from "../store/new_job.ts";
import type { Context } from "./context.ts";
import {
  type CallOptions,
  checkCall,
  type EnqueueCall,
  heedContract,
} from "./enqueue_call.ts";
import { callNames } from "./func_name.ts";
import { newJobOf, type QueueDefaults } from "./new_job.ts";

/**
 * A job that a group calls for: function, arguments and options as in `Queue.enqueueCall()`, and its queue. Its `meta.group` tells
 * which group that was (`id`), and its counts at that moment.
 */
export type GroupCall<F extends JobFunction = JobFunction> =
  & Omit<CallOptions<F>, "jobId" | "dependsOn" | "unique">
  & GroupCallQueue
  & CallArgs<F>;

/** The queue of a {@linkcode GroupCall}. */
export interface GroupCallQueue {
  /**
   * The name of its queue.
   *
   * @default that of `job()`, if it has made the function; else "default"
   */
  readonly queue?: string;
}

/** What such a job is for, as a part of its id. */
export type Purpose = "complete" | "success" | "failure";

/** Nothing is said by a queue: only its name is known. */
const NO_DEFAULTS: QueueDefaults = {
  isolation: undefined,
  fairKey: undefined,
};

/** Options that it cannot have: its id is made from the group's, and it waits for nothing but the group. */
const REFUSED = ["jobId", "dependsOn"] as const;

/**
 * Checks and packs a job that a group calls for. Its id begins with the group's and what it is for; the rest is random, since a
 * group that is deleted may be created again.
 *
 * @throws {RangeError | TypeError} It names the option or the argument that is wrong.
 * @throws {ArgumentsError} If the arguments are not what the function's contract says.
 */
export async function packGroupCall(
  call: GroupCall,
  groupId: string,
  purpose: Purpose,
  context: Context,
): Promise<Uint8Array> {
  const option = `on${purpose[0]!.toUpperCase()}${purpose.slice(1)}`;
  if (typeof call !== "object" || call === null) {
    throw new TypeError(
      `Cannot use ${option}: expected an object such as { func, args, queue }, got ${
        call === null ? "null" : typeof call
      }`,
    );
  }
  const { queue: named, ...options } = call;
  const queue = named ?? ownOptionsOf(call.func)?.queue ?? "default";
  const own = REFUSED.find((name) => name in options);
  if (own !== undefined) throw refused(option, own);
  const jobId = `${groupId}-${purpose}-${crypto.randomUUID().slice(0, 8)}`;
  const checked = checkCall(
    { ...options, jobId } as EnqueueCall,
    DEFAULT_TIMEOUT,
    context,
  );
  if (checked.options.group === groupId) {
    throw new RangeError(
      `Cannot use ${option}: it belongs to the very group that calls for it`,
    );
  }
  const { callbacks, unique } = checked.options;
  if (unique !== undefined) throw refused(option, "unique");
  await heedContract(options.func, checked);
  const names = await callNames(options.func, callbacks);
  return packJob(
    newJobOf(checked, names, checkQueueName(queue), NO_DEFAULTS),
  ).slice();
}

function refused(option: string, name: string): TypeError {
  return new TypeError(
    `Cannot use ${option}: a job that a group calls for can have no ${name}`,
  );
}
