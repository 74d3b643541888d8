/**
 * What may be said to a worker.
 *
 * @module
 */

import type { Duration } from "../base/duration.ts";
import type { Size } from "../base/size.ts";
import type { Isolation } from "../job/isolation.ts";
import type { ConnectionOptions } from "../store/connection.ts";
import type { DequeueStrategy } from "./fetcher.ts";
import type { WorkerLog } from "./log.ts";

/** Options of a {@linkcode Worker}. */
export interface WorkerOptions extends ConnectionOptions {
  /**
   * The worker's name, as in `rac2.3354`. One that lives under this name keeps it.
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
   * Modules of jobs that are loaded from elsewhere than `paths`: `jsr:@acme/*`, `npm:@acme/mail`,
   * `https://acme.com/jobs/`. Whoever can write to Redis can have them run. `node:` and `data:` are never loaded.
   *
   * @default []
   */
  readonly jobModules?: readonly string[];
  /**
   * Queues, besides the worker's own, to which jobs may add jobs through `currentJob`; `*` stands for any text.
   *
   * @default []
   */
  readonly allowEnqueue?: readonly string[];
  /**
   * What jobs may do, as Deno's permission flags: `["--allow-net=example.com"]`; `[]` for nothing. Flags that only take
   * something away (`--deny-net`) take it from what the worker may.
   *
   * @default the worker's own permissions
   */
  readonly permissions?: readonly string[];
  /**
   * Further flags of the `deno run` that runs jobs, such as `--import-map=map.json` or `--v8-flags=--stack-size=2000`;
   * a value stands behind `=`.
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
   * Leave once every queue is empty.
   *
   * @default false
   */
  readonly burst?: boolean;
  /**
   * How long results are kept of jobs that do not say: seconds or text, `0` not at all, `-1` for ever.
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
   * How jobs are kept apart. `process`: each has a fresh process of its own. `reuse`: a process serves
   * jobs one after the other, many times faster; they share its memory, and what one leaves
   * running goes on beside the next. `shared`: one process runs all of them side by side, for trusted
   * small ones; if one does not stop at its time limit, the process ends, and the others are run again.
   *
   * A job may ask for a stricter way, not for a looser one. A job whose worker has died while it had it in hand
   * gets a process of its own, and the worker for itself.
   *
   * @default "process"
   */
  readonly isolation?: Isolation;
  /**
   * How the jobs of single queues are kept apart, by the queue's name.
   *
   * @default as `isolation` says
   */
  readonly queueIsolation?: Readonly<Record<string, Isolation>>;
  /**
   * With `reuse` and `shared`: a process takes no more than so many jobs.
   *
   * @default 10_000 with `reuse`, no limit with `shared`
   */
  readonly maxJobsPerProcess?: number;
  /**
   * With `reuse` and `shared`: a process that has grown beyond so many megabytes takes no more jobs.
   *
   * @default 512
   */
  readonly maxMemoryPerProcess?: number;
  /**
   * How much memory a process that runs jobs may use, with all that it starts: megabytes or text, at least 64. One that uses
   * more is ended, and its job fails; with `shared`, the others in it are run again. With
   * `reuse` and `shared`, a process takes no more jobs from half of it on. Needs Linux, or a `ps`.
   *
   * @default no limit
   */
  readonly jobMemory?: Size;
  /**
   * Whether processes that are started ahead of time load the module of the last job, so that the
   * next one need not wait for it. What the module does when it is loaded is then done before there
   * is a job, and a change of its code is seen a job later.
   *
   * @default false
   */
  readonly preload?: boolean;
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
   * Queue scheduled jobs when their time has come.
   *
   * @default false
   */
  readonly withScheduler?: boolean;
  /**
   * The order in which queues are looked at: as given, rotated past the one just served, or shuffled.
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
   * How long the worker goes on trying while no process can be started for jobs, until it gives up with a
   * {@linkcode CannotStartError}: seconds or text. Meanwhile the jobs stay on their queues.
   *
   * @default 60
   */
  readonly startPatience?: Duration;
  /**
   * Whether log lines show the call, which may hold what should not be logged.
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
