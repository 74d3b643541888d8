/**
 * The options of a worker.
 *
 * @module
 */

import type { Duration } from "../base/duration.ts";
import type { Size } from "../base/size.ts";
import type { Isolation } from "../job/isolation.ts";
import type { ConnectionOptions } from "../store/connection.ts";
import type { WorkerLog } from "./log.ts";
import type { DequeueStrategy } from "./queue_order.ts";

/** Options of a {@linkcode Worker}. */
export interface WorkerOptions extends ConnectionOptions {
  /**
   * The worker's name, such as `rac2.3354`. It must not be that of a living worker.
   *
   * @default host name and process id
   */
  readonly name?: string;
  /**
   * Directories under which job modules are looked for.
   *
   * @default the project of the working directory, then the working directory
   */
  readonly paths?: readonly string[];
  /**
   * Modules whose functions run around each job, in its process, the first one outermost: see `Middleware` of
   * `@deno-rq/rq/current`. `"./tracing.ts"` is the default export of a file, `"./hooks.ts#trace"` another one; a URL and a
   * dotted path will do, too. They are loaded before there is a job, with the permissions of jobs.
   *
   * @default []
   */
  readonly middleware?: readonly string[];
  /**
   * Functions that are called for each failure of a job, in its process, one after the other, as RQ's: see
   * `ExceptionHandler` of `@deno-rq/rq/current`. They are named like `middleware`. A job whose process is killed has none:
   * see `onFailure`.
   *
   * @default []
   */
  readonly exceptionHandlers?: readonly string[];
  /**
   * Modules outside `paths` that jobs may be loaded from: `jsr:@acme/*`, `npm:@acme/mail`, `https://acme.com/jobs/`.
   * Anybody who can write to Redis can run their functions. `node:` and `data:` are never loaded.
   *
   * @default []
   */
  readonly jobModules?: readonly string[];
  /**
   * Queues, besides the worker's own, on which jobs may enqueue through `currentJob`; `*` matches any text.
   *
   * @default []
   */
  readonly allowEnqueue?: readonly string[];
  /**
   * The permissions of jobs, as Deno's permission flags: `["--allow-net=example.com"]`; `[]` for none. If there are only
   * flags that deny (`--deny-net`), jobs have the worker's permissions without those.
   *
   * @default the worker's own permissions
   */
  readonly permissions?: readonly string[];
  /**
   * Further flags of the `deno run` that runs jobs, such as `--import-map=map.json` or `--v8-flags=--stack-size=2000`,
   * each with its value after `=`.
   *
   * @default []
   */
  readonly denoArgs?: readonly string[];
  /**
   * An installed `deno` that runs the jobs.
   *
   * @default the program that runs the worker
   */
  readonly execPath?: string;
  /**
   * A file whose calls of `cron()` declare schedules. They are stored when the worker starts, and those that the file
   * declared before and does no longer are removed.
   *
   * @default none
   */
  readonly cron?: string;
  /**
   * Leave once every queue is empty.
   *
   * @default false
   */
  readonly burst?: boolean;
  /**
   * How long results are kept, for jobs without their own `resultTtl`: seconds or text, `0` not at all, `-1` for ever.
   *
   * @default 500
   */
  readonly resultTtl?: Duration;
  /**
   * How long the worker's own hash outlives its last heartbeat: seconds or text, at least 30 seconds.
   *
   * @default 60
   */
  readonly workerTtl?: Duration;
  /**
   * Time between two heartbeats: seconds or text, at most a third of the lease of 15 seconds.
   *
   * @default 5
   */
  readonly jobMonitoringInterval?: Duration;
  /**
   * Time between two sweeps for what dead workers left behind: seconds or text.
   *
   * @default 3
   */
  readonly maintenanceInterval?: Duration;
  /**
   * Which jobs share a process. `process`: each job runs in a fresh process. `reuse`: a process runs jobs
   * one after the other, which is many times faster; they share its memory, and what one leaves
   * running goes on beside the next. `shared`: one process runs all jobs concurrently, for small and
   * trusted ones; if one does not stop at its time limit, the process is killed, and the others run again.
   *
   * A job may ask for a stricter isolation, not for a looser one. A job whose worker has died
   * is run in a fresh process, with no other job beside it.
   *
   * @default "process"
   */
  readonly isolation?: Isolation;
  /**
   * The isolation of single queues, by the queue's name.
   *
   * @default as `isolation` says
   */
  readonly queueIsolation?: Readonly<Record<string, Isolation>>;
  /**
   * With `reuse` and `shared`: how many jobs a process runs before it is replaced.
   *
   * @default 10_000 with `reuse`, no limit with `shared`
   */
  readonly maxJobsPerProcess?: number;
  /**
   * With `reuse` and `shared`: a process that uses more megabytes takes no more jobs.
   *
   * @default 512
   */
  readonly maxMemoryPerProcess?: number;
  /**
   * The memory limit of a process that runs jobs, together with everything that it starts: megabytes or text, at least
   * 64. A process that exceeds it is killed, and its job fails; with `shared`, the other jobs in it run again. With
   * `reuse` and `shared`, a process that uses half of it takes no more jobs. Needs Linux, or `ps`.
   *
   * @default no limit
   */
  readonly jobMemory?: Size;
  /**
   * Keep what each job prints with the job, for `job.logs()`: so much of its end, in megabytes, or text such as `"64KB"`. It
   * also says how much is kept of what `currentJob.log()` logs. What jobs print that run in a `shared` process cannot be told
   * apart, and is not kept.
   *
   * @default nothing
   */
  readonly captureLogs?: Size;
  /**
   * Whether processes that are started ahead of time also load the module of the last job, in case the
   * next one needs it. The module is then evaluated before there is a job, and a change of its code
   * takes effect one job later.
   *
   * @default false
   */
  readonly preload?: boolean;
  /**
   * Whether the results of jobs that finish also say how much memory and processor time their processes have used
   * (see `job.results()`), those of jobs that fail do anyway. It is known of a process that serves one job. A result
   * then takes 200 bytes more, and its end 60 instead of 10 µs of Redis.
   *
   * @default false
   */
  readonly measureJobs?: boolean;
  /**
   * How many jobs to run at once.
   *
   * @default 1
   */
  readonly concurrency?: number;
  /**
   * Leave after so many jobs.
   *
   * @default no limit
   */
  readonly maxJobs?: number;
  /**
   * Leave after so long without a job: seconds or text.
   *
   * @default no limit
   */
  readonly maxIdleTime?: Duration;
  /**
   * Leave after so long: seconds or text. What runs then may end, within {@linkcode WorkerOptions.grace}.
   *
   * @default no limit
   */
  readonly maxTime?: Duration;
  /**
   * Queue the scheduled jobs of the worker's queues when their time has come. With `false`, they are left to other
   * workers.
   *
   * @default true
   */
  readonly withScheduler?: boolean;
  /**
   * The order in which queues are tried: as given, rotated past the one just served (`round_robin`), shuffled
   * (`random`), or in proportion: with `weighted:high=5,low=1`, every sixth job is one of `low` while both have jobs. A
   * queue that is not named has the weight 1.
   *
   * @default "default"
   */
  readonly dequeueStrategy?: DequeueStrategy;
  /**
   * Longest time that a warm shutdown lets a job run on: seconds or text. Then the job goes back to its queue.
   *
   * @default no limit
   */
  readonly grace?: Duration;
  /**
   * How long the worker keeps trying if it can start no process for jobs, before it gives up with a
   * {@linkcode CannotStartError}: seconds or text. The jobs stay on their queues meanwhile.
   *
   * @default 60
   */
  readonly startPatience?: Duration;
  /**
   * Whether log lines show the call, which may contain what should not be logged.
   *
   * @default true
   */
  readonly logJobDescription?: boolean;
  /**
   * Begins a warm shutdown when it is aborted, as {@linkcode Worker.stop} does.
   *
   * @default none
   */
  readonly signal?: AbortSignal;
  /**
   * Where log lines go.
   *
   * @default nowhere
   */
  readonly log?: WorkerLog;
}
