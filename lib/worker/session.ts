/**
 * One life of a worker: boot → register → listen → run → leave.
 *
 * Leaving, in this order: no more work is claimed; what runs ends (warm), or is
 * killed and put back (cold); the background services stop, the heartbeat last, since it keeps
 * the lease of what still runs; the worker takes itself out of the sets.
 *
 * @module
 */

import { VERSION } from "../base/version.ts";
import type { RedisClient } from "../redis/redis_client.ts";
import type { Keys } from "../store/keys.ts";
import { ScheduleStore } from "../store/schedule_store.ts";
import { SweepStore } from "../store/sweep_store.ts";
import { WorkerStore } from "../store/worker_store.ts";
import type { WorkerIdentity } from "../store/worker_types.ts";
import { checkAccess } from "./access.ts";
import { Commands } from "./commands.ts";
import { CronFile } from "./cron_file.ts";
import { CronScheduler } from "./cron_scheduler.ts";
import { WorkerNameTakenError } from "./errors.ts";
import { Executor } from "./execution.ts";
import { Fetcher, type NoJob } from "./fetcher.ts";
import { Heartbeat } from "./heartbeat.ts";
import { hostname } from "./hostname.ts";
import type { InHand } from "./in_hand.ts";
import { JobLog } from "./job_log.ts";
import { JobLoop } from "./job_loop.ts";
import { logError } from "./log.ts";
import { Recorder } from "./recorder.ts";
import type { Runners } from "./runners.ts";
import { Scheduler } from "./scheduler.ts";
import { StartBackoff } from "./start_backoff.ts";
import type { WorkerSettings } from "./check_settings.ts";
import { Sweeper } from "./sweeper.ts";
import type { WorkerEvents } from "./worker_events.ts";

/** Why no more work is to be taken, if nobody has asked for it. */
export const TIME_UP: DOMException = new DOMException(
  "The worker has worked as long as it may",
  "AbortError",
);

/** The options of a {@linkcode WorkerSession}. */
export interface WorkerSessionOptions {
  readonly settings: WorkerSettings;
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly runners: Runners;
  readonly inHand: InHand;
  /** Fires when no more work is to be taken. */
  readonly stopping: AbortSignal;
  /** Begins a warm shutdown. */
  readonly stop: () => void;
  /** Tells those who follow them. */
  readonly events: WorkerEvents;
  /** Called when it begins to take jobs. */
  readonly onListening: () => void;
}

/** What several parts of a session are given. */
type PartsInCommon = ReturnType<typeof partsInCommon>;

function partsInCommon(options: WorkerSessionOptions) {
  const { settings, client, keys, inHand, events } = options;
  const { name, queues, log, logJobDescription } = settings;
  const identity: WorkerIdentity = {
    name,
    instance: crypto.randomUUID(),
    queues,
  };
  return {
    store: new WorkerStore(client, keys),
    sweeps: new SweepStore(client, keys),
    identity,
    queues,
    inHand,
    log,
    jobLog: new JobLog(log, logJobDescription, events),
    onError: (error: unknown) => logError(log, error),
  };
}

/** One life of a worker. */
export class WorkerSession {
  readonly #options: WorkerSessionOptions;
  readonly #store: WorkerStore;
  readonly #identity: WorkerIdentity;
  readonly #heartbeat: Heartbeat;
  readonly #sweeper: Sweeper;
  readonly #scheduler: Scheduler;
  readonly #cron: CronScheduler;
  readonly #cronFile: CronFile | undefined;
  readonly #commands: Commands;
  readonly #fetcher: Fetcher;
  readonly #jobs: JobLoop;
  /** Fires when the job loop cannot go on. */
  readonly #halting = new AbortController();

  /** Creates all parts; sends nothing before {@linkcode WorkerSession.work}. */
  constructor(options: WorkerSessionOptions) {
    const { settings, client, keys, stopping } = options;
    this.#options = options;
    const common = partsInCommon(options);
    this.#store = common.store;
    this.#identity = common.identity;
    this.#heartbeat = this.#makeHeartbeat(common);
    this.#sweeper = new Sweeper({
      ...common,
      interval: settings.maintenanceInterval * 1_000,
    });
    this.#scheduler = new Scheduler({ ...common, name: settings.name });
    const schedules = new ScheduleStore(client, keys);
    this.#cronFile = settings.cron === undefined
      ? undefined
      : new CronFile({ ...settings, file: settings.cron, schedules, stopping });
    this.#cron = new CronScheduler({
      ...common,
      schedules,
      file: this.#cronFile,
      name: settings.name,
    });
    this.#commands = this.#makeCommands(common.onError);
    const recorder = new Recorder({ ...common, stopping });
    this.#fetcher = new Fetcher({
      ...common,
      recorder,
      strategy: settings.dequeueStrategy,
      burst: settings.burst,
      maxIdleMs: settings.maxIdleTime * 1_000,
      register: () => this.#register(),
      stopping: AbortSignal.any([stopping, this.#halting.signal]),
    });
    this.#jobs = this.#makeJobLoop(common, recorder);
  }

  #makeHeartbeat(common: PartsInCommon): Heartbeat {
    const { settings, inHand, stop } = this.#options;
    return new Heartbeat({
      ...common,
      interval: settings.jobMonitoringInterval * 1_000,
      workerTtl: settings.workerTtl,
      register: () => this.#register(),
      onReplaced: () => {
        settings.log.error(
          `Another worker has taken the name ${settings.name}`,
        );
        inHand.abort("lost", () => true);
        stop();
      },
    });
  }

  #makeJobLoop(common: PartsInCommon, recorder: Recorder): JobLoop {
    const { settings, inHand, stopping, runners, events } = this.#options;
    const executor = new Executor({
      ...common,
      runnerOf: (execution) => runners.of(execution),
      resultTtl: settings.resultTtl,
      mayEnqueue: settings.mayEnqueue,
      bigInts: settings.bigInts,
      captureLogs: settings.captureLogs,
    });
    return new JobLoop({
      fetcher: this.#fetcher,
      executor,
      recorder,
      inHand,
      concurrency: settings.concurrency,
      maxJobs: settings.maxJobs,
      prefetches: this.#prefetches(),
      stopping,
      starts: new StartBackoff({
        log: settings.log,
        patience: settings.startPatience * 1_000,
      }),
      halt: () => this.#halting.abort(),
      onClaimed: (execution) => events.tellRun("claimed", execution),
    });
  }

  /**
   * Prefetching needs strict priority, since otherwise the next queue is known only when there is room for a job; and
   * it is useless with a process for each job, whose start takes longer than a round trip.
   */
  #prefetches(): boolean {
    const { dequeueStrategy, isolationOf, queues } = this.#options.settings;
    return dequeueStrategy === "default" &&
      isolationOf(queues[0]!) !== "process";
  }

  #makeCommands(onError: (error: unknown) => void): Commands {
    const { settings, client, keys, inHand, stop } = this.#options;
    return new Commands({
      client,
      channel: keys.channel(settings.name),
      log: settings.log,
      onError,
      target: {
        shutdown: stop,
        killHorse: () => inHand.abort("killed", () => true),
        stopJob: (jobId, executionId) => this.#stopJob(jobId, executionId),
        scheduled: (queue, ms) => this.#scheduler.expect(queue, ms),
        slotExpected: (ms) => this.#cron.expect(ms),
      },
    });
  }

  /** How many jobs it has run. */
  get done(): number {
    return this.#jobs.claimed;
  }

  /** Works until it is told to stop; returns how many jobs it ran. */
  async work(): Promise<number> {
    const { settings, stopping } = this.#options;
    const { log, name, queues } = settings;
    // One subprocess boots while the worker connects. More would delay that on a machine with few cores.
    this.#options.runners.prepare(1);
    await checkAccess(this.#options.client, this.#store);
    await this.#register();
    try {
      log.info(
        `RQ worker '${
          this.#store.keys.worker(name)
        }' started, version ${VERSION}`,
      );
      await this.#commands.subscribe();
      this.#heartbeat.start();
      for (const queue of queues) {
        log.info(`Cleaning registries for queue: ${queue}`, { queue });
      }
      await this.#sweeper.sweep(queues, stopping);
      this.#sweeper.start();
      await this.#cronFile?.apply();
      if (settings.withScheduler) await this.#startScheduling();
      log.info(`*** Listening on ${queues.join(", ")}...`);
      this.#options.onListening();
      this.#options.runners.prepare();
      this.#sayWhy(await this.#jobs.run());
    } finally {
      await this.#leave();
    }
    return this.done;
  }

  /** What is due already is queued first: a worker in burst mode would leave before. */
  async #startScheduling(): Promise<void> {
    const { stopping } = this.#options;
    await this.#cron.claimDue(stopping);
    await this.#scheduler.promote(stopping);
    this.#scheduler.start();
    this.#cron.start();
  }

  #sayWhy(why: NoJob | "max"): void {
    const { settings: { log }, stopping } = this.#options;
    const reasons = {
      stopped: stopping.reason === TIME_UP
        ? "has worked as long as it may, quitting"
        : "stopping on request",
      empty: "done, quitting",
      idle: "idle for too long, quitting",
      suspended: "suspended in burst mode, quitting",
      max: `finished executing ${this.done} jobs, quitting`,
    };
    log.info(`RQ worker '${this.#key}' ${reasons[why]}`);
  }

  get #key(): string {
    return this.#store.keys.worker(this.#identity.name);
  }

  /** Shuts down. If a step fails, the others are done all the same: a service left running keeps the program alive. */
  async #leave(): Promise<void> {
    const steps = await Promise.allSettled([
      this.#fetcher[Symbol.asyncDispose](),
      this.#scheduler.stop(),
      this.#cron.stop(),
      this.#sweeper.stop(),
      this.#commands.stop(),
    ]);
    steps.push(...await Promise.allSettled([this.#heartbeat.stop()]));
    steps.push(
      ...await Promise.allSettled([this.#store.deregister(this.#identity)]),
    );
    for (const step of steps) {
      if (step.status === "fulfilled") continue;
      logError(this.#options.settings.log, step.reason, {
        action: "Cannot shut down cleanly",
      });
    }
  }

  async #register(): Promise<void> {
    const { settings, client } = this.#options;
    const { name, queues, workerTtl } = settings;
    const address = /\baddr=(\S+)/.exec(
      String(await client.send("CLIENT", ["INFO"], { resend: true })),
    );
    const taken = await this.#store.register(this.#identity, workerTtl, {
      queues: queues.join(","),
      pid: Deno.pid,
      hostname: hostname(),
      ip_address: address?.[1] ?? "unknown",
      version: VERSION,
      python_version: `deno ${Deno.version.deno}`,
    });
    if (taken === null) return;
    throw new WorkerNameTakenError(
      `Cannot start worker "${name}": one of this name is active on ${taken.hostname} (pid ${taken.pid}), last seen ${taken.lastHeartbeat}; choose another --name`,
    );
  }

  #stopJob(jobId: string, executionId: string | undefined): void {
    const stopped = this.#options.inHand.abort(
      "stopped",
      ({ id, job }) =>
        job.id === jobId && (executionId === undefined || id === executionId),
    );
    if (stopped === 0) {
      this.#options.settings.log.debug(
        `Not working on job ${jobId}, command ignored`,
        { jobId },
      );
    }
  }
}
