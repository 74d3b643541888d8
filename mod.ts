/**
 * Python RQ's job queue for Deno: put a call of any function on a queue in
 * Redis, and a worker runs it in a process of its own and stores the result.
 *
 * ```ts ignore
 * import { Queue } from "@deno-rq/rq";
 * import { hello } from "./rq_test.ts";
 *
 * await using queue = new Queue("low"); // REDIS_URL, else redis://127.0.0.1:6379
 * const job = await queue.enqueue(hello, "yangyi");
 * console.log(await job.wait({ timeout: 10_000 }));
 * ```
 *
 * The worker: `deno run -A jsr:@deno-rq/rq/worker --queues low`.
 *
 * @module
 */

export {
  DuplicateJobError,
  InvalidJobOperationError,
  JobFailedError,
  NoSuchJobError,
} from "./lib/base/errors.ts";
export type { Duration } from "./lib/base/duration.ts";
export type { Isolation } from "./lib/job/isolation.ts";
export type { JobOptions } from "./lib/job/options.ts";
export type { JobStatus } from "./lib/job/status.ts";
export type {
  ConnectionOptions,
  ConnectionSource,
} from "./lib/queue/context.ts";
export {
  Dependency,
  dependency,
  type DependencyOptions,
  type DependsOn,
  type JobOrId,
} from "./lib/queue/dependency.ts";
export type { FuncSource, JobFunction } from "./lib/queue/func_name.ts";
export { Job, type RequeueOptions } from "./lib/queue/job.ts";
export type { WaitOptions } from "./lib/queue/wait.ts";
export type { JobDict } from "./lib/queue/job_dict.ts";
export {
  type EnqueueCall,
  Queue,
  type QueueOptions,
} from "./lib/queue/queue.ts";
export { connect } from "./lib/redis/connect.ts";
export type {
  ExistingClient,
  ExistingDbRedisClient,
  ExistingIoredisClient,
} from "./lib/redis/existing_client.ts";
export {
  CallRefusedError,
  ConnectionLostError,
  ConnectionRefusedError,
  ReplyError,
} from "./lib/redis/redis_client.ts";
export type {
  BlockingClient,
  ConnectionState,
  RedisArg,
  RedisClient,
  RedisClientOptions,
  RedisReply,
  SendOptions,
  Subscription,
} from "./lib/redis/redis_client.ts";
