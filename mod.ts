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
 * console.log(await job.wait({ timeout: 10 }));
 * ```
 *
 * The worker: `deno run -A jsr:@deno-rq/rq/worker --queues low`.
 *
 * @module
 */

export {
  DuplicateGroupError,
  DuplicateJobError,
  InvalidJobOperationError,
  JobFailedError,
  NoSuchGroupError,
  NoSuchJobError,
  NoSuchScheduleError,
} from "./lib/base/errors.ts";
export type { Duration } from "./lib/base/duration.ts";
export type {
  ArgsOf,
  ArgumentsByName,
  ArrivesAs,
  CallArgs,
  FuncOf,
  JobFunction,
  NamedArguments,
  NotJson,
  PassedArgs,
  PositionalArguments,
  StartOf,
  Stored,
  StoredArgs,
  StoredResultOf,
} from "./lib/job/stored.ts";
export {
  type Callback,
  callback,
  type CallbackFunc,
  type CallbackOptions,
  type EndedJob,
  type FailedJob,
  type FinishedJob,
  type StoppedJob,
} from "./lib/job/callback.ts";
export {
  type ArgumentIssue,
  ArgumentsError,
  type InputOf,
  type InputsOf,
  type OutputOf,
  type OutputsOf,
  type SchemaIssue,
  type SchemaResult,
  type StandardSchema,
} from "./lib/job/contract.ts";
export type { Isolation } from "./lib/job/isolation.ts";
export type { GroupOrId } from "./lib/job/group.ts";
export type { JobOptions } from "./lib/job/options.ts";
export type {
  OnConflict,
  QueueRateLimit,
  RateLimit,
} from "./lib/job/rate_limit.ts";
export { type Repeat, repeat } from "./lib/job/repeat.ts";
export { type Backoff, retry, type RetryOptions } from "./lib/job/retry.ts";
export type {
  Debounce,
  Unique,
  UniqueJob,
  UniqueWindow,
} from "./lib/job/unique.ts";
export {
  type Webhook,
  webhook,
  type WebhookOptions,
  type WebhookStatus,
} from "./lib/job/webhook.ts";
export type { StoppedBy } from "./lib/job/stopped.ts";
export type { DecidedBy, JobProgress } from "./lib/job/record.ts";
export type { Missed } from "./lib/job/missed.ts";
export type { Every, When } from "./lib/job/timetable.ts";
export type { JobStatus } from "./lib/job/status.ts";
export { cron } from "./lib/queue/cron.ts";
export type {
  CronJobInfo,
  CronSchedulerInfo,
} from "./lib/queue/cron_scheduler_info.ts";
export {
  type Dependency,
  dependency,
  type DependencyOptions,
  type DependsOn,
  type IfParentFails,
  type JobOrId,
  type PassingDependency,
  type PassingDependsOn,
} from "./lib/job/dependency.ts";
export type {
  CallOptions,
  EnqueueCall,
  EnqueueCalls,
  JobsOf,
} from "./lib/queue/enqueue_call.ts";
export type {
  EnqueueAll,
  EnqueueMiddleware,
} from "./lib/queue/enqueue_middleware.ts";
export {
  type DeleteGroupOptions,
  Group,
  type GroupCounts,
} from "./lib/queue/group.ts";
export type { GroupOptions } from "./lib/queue/group_options.ts";
export type { GroupCall, GroupCallQueue } from "./lib/queue/group_calls.ts";
export type { FuncSource } from "./lib/queue/func_name.ts";
export type {
  CancelOptions,
  DeleteOptions,
  RequeueOptions,
} from "./lib/queue/change_job.ts";
export type {
  ClearableJobRegistry,
  RemoveOptions,
  RequeueableJobRegistry,
  RequeueAllOptions,
} from "./lib/queue/acting_registries.ts";
export type {
  BulkOptions,
  BulkProgress,
  BulkResult,
} from "./lib/queue/bulk.ts";
export type { JobFilter } from "./lib/queue/job_filter.ts";
export type {
  ChangeAllOptions,
  JobRegistry,
  RegistryJobsOptions,
  RegistryPage,
} from "./lib/queue/job_registry.ts";
export type { EnqueueJobOptions } from "./lib/queue/created_job.ts";
export { cancelJob, deleteJob, requeueJob } from "./lib/queue/by_id.ts";
export type { Execution } from "./lib/queue/executions.ts";
export { Job } from "./lib/queue/job.ts";
export type { JobSnapshot } from "./lib/queue/job_snapshot.ts";
export type { StoredJob } from "./lib/queue/stored_job.ts";
export type { Result, ResultType } from "./lib/queue/result.ts";
export { WorkerInfo, type WorkersOptions } from "./lib/queue/worker_info.ts";
export type { JobExplanation, JobReason } from "./lib/queue/job_reason.ts";
export type { StopOptions } from "./lib/queue/stop_job.ts";
export type { JobStream, StreamOptions } from "./lib/queue/job_stream.ts";
export type { WaitOptions } from "./lib/queue/wait.ts";
export { watchJobs, type WatchJobsOptions } from "./lib/queue/watch_jobs.ts";
export type { WatchOptions } from "./lib/queue/watch_options.ts";
export type { JobEvent, JobLogEvent } from "./lib/queue/watch_job.ts";
export type { LogsOptions } from "./lib/queue/job_logs.ts";
export type { LogLine, LogSource } from "./lib/store/log_lines.ts";
export type {
  HappenedToJob,
  JobLoggedEvent,
  JobProgressEvent,
  JobStatusEvent,
  MissedEvent,
  QueueEvent,
} from "./lib/queue/watch_queue.ts";
export {
  type CheckedFunction,
  type Enqueueable,
  type EnqueueOptions,
  job,
  type JobFunctionOptions,
  type JobMethods,
} from "./lib/queue/job_function.ts";
export type { JobDict } from "./lib/queue/job_dict.ts";
export { Queue } from "./lib/queue/queue.ts";
export type { StoredQueue } from "./lib/queue/stored_queue.ts";
export type { QueueOptions } from "./lib/queue/queue_options.ts";
export {
  sendKillHorseCommand,
  sendShutdownCommand,
  sendStopExecutionCommand,
  sendStopJobCommand,
} from "./lib/queue/commands.ts";
export {
  isSuspended,
  type PauseOptions,
  resume,
  suspend,
  type SuspendOptions,
} from "./lib/queue/suspension.ts";
export type {
  Overlap,
  ScheduleOptions,
  ScheduleSettings,
} from "./lib/queue/prepare_schedule.ts";
export type {
  RunOutcome,
  Schedule,
  ScheduleRun,
} from "./lib/queue/schedule_info.ts";
export { type RunsOptions, Schedules } from "./lib/queue/schedules.ts";
export type {
  ExistingClient,
  ExistingDbRedisClient,
  ExistingIoredisClient,
} from "./lib/redis/existing_client.ts";
export {
  CallRefusedError,
  ConnectionLostError,
  ConnectionRefusedError,
  type DriverName,
  ReplyError,
} from "./lib/redis/redis_client.ts";
export type {
  Connection,
  ConnectionOptions,
  ConnectionSource,
} from "./lib/store/connection.ts";
