/**
 * Workers as users see them.
 *
 * @module
 */

import { parseDate } from "../base/date.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import {
  CONNECTION_OPTIONS,
  type ConnectionOptions,
} from "../store/connection.ts";
import {
  countWorkers,
  fetchWorker,
  listWorkers,
  type StoredWorker,
} from "../store/workers.ts";
import { Context, openContext, withContext } from "./context.ts";

/** Options of {@linkcode WorkerInfo.all} and {@linkcode WorkerInfo.count}. */
export interface WorkersOptions extends ConnectionOptions {
  /**
   * Only the workers that listen to this queue.
   *
   * @default all workers
   */
  readonly queue?: string;
}

const OPTIONS = optionNames<WorkersOptions>({
  ...CONNECTION_OPTIONS,
  queue: true,
});

/**
 * A worker, ours or Python's, as it was when it was read.
 *
 * @example
 * ```ts ignore
 * for (const worker of await WorkerInfo.all({ queue: "low" })) {
 *   console.log(worker.name, worker.state, worker.currentJobIds);
 * }
 * ```
 */
export class WorkerInfo {
  /** Its name. */
  readonly name: string;
  /**
   * Whether it has given signs of life lately. A worker that was killed stays listed for minutes; one of ours counts as
   * dead after 20 seconds.
   */
  readonly isAlive: boolean;
  /** What it does: `started`, `busy`, `idle` or `suspended`; `?` if it has not said. */
  readonly state: string;
  /** The queues that it listens to, in its order. */
  readonly queues: readonly string[];
  /** The ids of the jobs that it runs, as far as it has said so: a job of some seconds, and the one that it claimed last. */
  readonly currentJobIds: readonly string[];
  /** The machine that it runs on. */
  readonly hostname: string | null;
  /** Its process id. */
  readonly pid: number | null;
  /** Its address as Redis sees it. */
  readonly ipAddress: string | null;
  /** The version of this package, or of RQ. */
  readonly version: string | null;
  /** What runs it, such as `deno 2.9.6`; of a worker of Python, that version. RQ's `python_version`. */
  readonly runtime: string | null;
  /** When it was started. */
  readonly birthDate: Date | null;
  /** When it was heard of last. */
  readonly lastHeartbeat: Date | null;
  /** How many jobs it has run that finished. */
  readonly successfulJobCount: number;
  /** How many have failed. */
  readonly failedJobCount: number;
  /** For how many seconds it has run jobs. */
  readonly totalWorkingTime: number;

  private constructor(stored: StoredWorker) {
    const { text } = stored;
    this.name = stored.name;
    this.isAlive = stored.isAlive;
    this.state = text("state") ?? "?";
    this.queues = text("queues")?.split(",") ?? [];
    this.currentJobIds = stored.jobIds;
    this.hostname = text("hostname") ?? null;
    this.pid = text("pid") === undefined ? null : numberOf(text("pid"));
    this.ipAddress = text("ip_address") ?? null;
    this.version = text("version") ?? null;
    this.runtime = text("python_version") ?? null;
    this.birthDate = parseDate(text("birth"));
    this.lastHeartbeat = parseDate(text("last_heartbeat"));
    this.successfulJobCount = numberOf(text("successful_job_count"));
    this.failedJobCount = numberOf(text("failed_job_count"));
    this.totalWorkingTime = numberOf(text("total_working_time"));
  }

  /** All workers that have registered and not left, sorted by name. */
  static async all(options: WorkersOptions = {}): Promise<WorkerInfo[]> {
    const workers: WorkerInfo[] = [];
    await withContext(
      open(options, "Cannot list workers"),
      async ({ store }) => {
        for await (const stored of listWorkers(store, options)) {
          workers.push(new WorkerInfo(stored));
        }
      },
    );
    return workers.sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /** The worker of a name, or `null` if there is none; one that has left is there for another minute. */
  static async fetch(
    name: string,
    options: ConnectionOptions = {},
  ): Promise<WorkerInfo | null> {
    const stored = await withContext(
      openContext(options, `Cannot fetch worker "${name}"`),
      ({ store }) => fetchWorker(store, name),
    );
    return stored && new WorkerInfo(stored);
  }

  /** How many workers have registered and not left. */
  static async count(options: WorkersOptions = {}): Promise<number> {
    return await withContext(
      open(options, "Cannot count workers"),
      ({ store }) => countWorkers(store, options),
    );
  }
}

function open(options: WorkersOptions, action: string): Context {
  refuseUnknown(options, OPTIONS, action);
  return new Context(options);
}

/** A count; 0 for what is none. */
function numberOf(text: string | undefined): number {
  const number = Number(text ?? 0);
  return Number.isFinite(number) ? number : 0;
}
