/**
 * A pool of workers, each a process of its own.
 *
 * @example
 * ```ts ignore
 * import { WorkerPool } from "@deno-rq/rq/worker-pool";
 *
 * const pool = new WorkerPool(["high", "low"], { numWorkers: 4, log: console });
 * Deno.addSignalListener("SIGTERM", () => pool.stop());
 * await pool.start();
 * ```
 *
 * @module
 */

import { Alarms } from "../base/alarms.ts";
import { type OpenConnection, openConnection } from "../store/connection.ts";
import { Keys } from "../store/keys.ts";
import { PoolStore } from "../store/pool_store.ts";
import { Autoscaler, type Scaling } from "./autoscaler.ts";
import {
  checkSettings,
  defaultName,
  type WorkerSettings,
} from "./check_settings.ts";
import { logState } from "./connection_state.ts";
import { CannotStartError } from "./errors.ts";
import { FileWatch } from "./file_watch.ts";
import { logError } from "./log.ts";
import type { WorkerOptions } from "./options.ts";
import { defaultPaths } from "./paths.ts";
import { workerArgs, workerEnv, workerProgram } from "./pool_command.ts";
import {
  checkNumWorkers,
  optionsOfWorkers,
  type WorkerPoolOptions,
  type WorkerRange,
} from "./pool_options.ts";
import { PoolWatch } from "./pool_watch.ts";
import {
  PoolWorker,
  type PoolWorkerEnd,
  type PoolWorkerPhase,
} from "./pool_worker.ts";
import { RespawnBackoff } from "./respawn_backoff.ts";
import { RollingRestart } from "./rolling_restart.ts";

export type { WorkerPoolOptions, WorkerRange } from "./pool_options.ts";
export type { PoolWorkerPhase } from "./pool_worker.ts";

/** What a pool knows of one of its workers. */
export interface PoolWorkerInfo {
  /** Its name. */
  readonly name: string;
  /** Its process id. */
  readonly pid: number;
  /** When it was started. */
  readonly startedAt: Date;
  /** Where it is in its life. */
  readonly phase: PoolWorkerPhase;
}

/**
 * Starts workers, and new ones in the place of those that end. If the pool itself is killed, its workers finish what they
 * run and leave.
 */
export class WorkerPool implements AsyncDisposable {
  /** The pool's name. */
  readonly name: string;
  readonly #settings: WorkerSettings;
  readonly #options: WorkerPoolOptions;
  readonly #ofWorkers: WorkerOptions;
  readonly #range: WorkerRange;
  readonly #connection: OpenConnection;
  readonly #watch: PoolWatch;
  readonly #rolling: RollingRestart;
  readonly #alarms = new Alarms();
  readonly #backoff = new RespawnBackoff();
  readonly #workers = new Map<string, PoolWorker>();
  readonly #done = Promise.withResolvers<void>();
  readonly #listening = Promise.withResolvers<boolean>();
  #command: readonly string[] = [];
  #running: Promise<void> | undefined;
  #isStopping = false;
  #wanted: number;
  /** How many workers have been started. */
  #started = 0;
  /** Whether any worker has ever listened: until then, one that fails ends the pool. */
  #hasListened = false;
  #error: CannotStartError | undefined;
  /** The last error of the watch. */
  #reported = "";

  /**
   * Checks the options. Starts nothing before {@linkcode WorkerPool.start}.
   *
   * @param queues The names of the queues, in order of priority.
   * @throws {RangeError | TypeError} It names the option that is wrong.
   */
  constructor(
    queues: string | readonly string[],
    options: WorkerPoolOptions = {},
  ) {
    const { name = `${defaultName()}.${crypto.randomUUID().slice(0, 4)}` } =
      options;
    this.name = name;
    this.#ofWorkers = optionsOfWorkers(options);
    this.#settings = checkSettings(queues, { ...this.#ofWorkers, name });
    this.#options = options;
    this.#range = checkNumWorkers(options.numWorkers);
    this.#wanted = this.#range.min;
    this.#argsOf(name); // throws if an option cannot be passed on
    this.#connection = this.#connect();
    this.#watch = this.#makeWatch();
    this.#rolling = new RollingRestart({
      staying: () => this.#staying,
      startOne: () => this.#startOne(),
      isStopping: () => this.#isStopping,
      log: this.#settings.log,
    });
  }

  /** The workers that there are now. */
  get workers(): readonly PoolWorkerInfo[] {
    return [...this.#workers.values()].map((worker) => {
      const { name, pid, startedAt, phase } = worker;
      return { name, pid, startedAt, phase };
    });
  }

  /** Resolves with whether any worker has begun to take jobs: `true` as soon as one does, `false` if all ended before. */
  get listening(): Promise<boolean> {
    return this.#listening.promise;
  }

  /**
   * Runs workers until it is told to stop; in burst mode until all have left. Call it once.
   *
   * @throws {TypeError} If it was called before.
   * @throws {CannotStartError} If the first workers fail before any has listened; in burst mode, if any has failed.
   */
  async start(): Promise<void> {
    if (this.#running !== undefined) {
      throw new TypeError("Cannot start the pool: start() was called before");
    }
    this.#running = this.#run();
    await this.#running;
  }

  /** Warm shutdown: its workers take no more jobs, finish what they run (within their `grace`), and leave. */
  stop(): void {
    if (this.#isStopping) return;
    this.#settings.log.info(
      `Warm shut down requested, stopping ${this.#workers.size} workers`,
    );
    this.#stop();
  }

  #stop(): void {
    this.#isStopping = true;
    for (const worker of this.#workers.values()) worker.leave();
    this.#endIfEmpty();
  }

  /** Cold shutdown: its workers kill their jobs, put them back on their queues, and leave. */
  stopNow(): void {
    this.stop();
    this.#settings.log.warn("Cold shut down");
    for (const worker of this.#workers.values()) worker.leaveNow();
  }

  /**
   * Replaces the workers one after the other: each leaves, warm, when the one in its place listens. If that one fails,
   * the restart ends there and the others stay.
   */
  async restart(): Promise<void> {
    await this.#rolling.run();
    this.#startMissing(); // one that has died meanwhile may have seemed to be replaced
  }

  /** Begins a warm shutdown and waits for its end. Only {@linkcode WorkerPool.start} reports how it ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#running === undefined) {
      this.#running = Promise.resolve();
      this.#listening.resolve(false);
      return await this.#connection.client.close();
    }
    this.stop();
    await this.#running.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { log, signal } = this.#settings;
    const stop = () => this.stop();
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    try {
      this.#command = await this.#findCommand();
      using _watch = this.#options.watch ? this.#watchFiles() : undefined;
      log.info(`Starting worker pool ${this.name} with pid ${Deno.pid}...`);
      this.#watch.start();
      this.#startMissing();
      await this.#done.promise;
      log.info("All workers stopped, exiting...");
    } finally {
      signal?.removeEventListener("abort", stop);
      this.#listening.resolve(false);
      this.#alarms[Symbol.dispose]();
      this.#isStopping = true;
      // Closed first: a pass may wait for a Redis that does not answer.
      await this.#connection.client.close();
      await this.#watch.stop();
    }
    if (this.#error !== undefined) throw this.#error;
  }

  async #findCommand(): Promise<readonly string[]> {
    const { workerCommand, workerDenoArgs } = this.#options;
    if (workerCommand !== undefined) return workerCommand;
    const { command, warnings } = await workerProgram(workerDenoArgs);
    for (const warning of warnings) this.#settings.log.warn(warning);
    return command;
  }

  /** Starts as many workers as are missing, now or after a pause. */
  #startMissing(): void {
    const staying = this.#staying.length;
    if (this.#isStopping || staying >= this.#wanted) return this.#endIfEmpty();
    const pause = this.#backoff.pauseMs();
    if (pause > 0) {
      this.#alarms.set(pause, () => this.#startMissing());
      return;
    }
    for (let n = staying; n < this.#wanted; n++) {
      if (this.#startOne() === undefined) return this.#startMissing();
    }
  }

  #startOne(): PoolWorker | undefined {
    const { log } = this.#settings;
    const name = `${this.name}.${++this.#started}`;
    const [command = "", ...args] = this.#command;
    let worker: PoolWorker;
    try {
      worker = new PoolWorker({
        name,
        command,
        args: [...args, ...this.#argsOf(name)],
        env: workerEnv(this.#ofWorkers),
      });
    } catch (error) {
      this.#failed(`Worker ${name}`, `cannot be started: ${error}`);
      if (this.#settings.burst) this.#stop(); // nobody would try again
      return undefined;
    }
    log.info(`Spawned worker ${name} with pid ${worker.pid}`);
    this.#workers.set(name, worker);
    this.#watch.started();
    worker.ended.then((end) => this.#onEnd(worker, end));
    return worker;
  }

  #onEnd(worker: PoolWorker, { code, signal, livedMs }: PoolWorkerEnd): void {
    this.#workers.delete(worker.name);
    const { log, burst } = this.#settings;
    const who = `Worker ${worker.name} with pid ${worker.pid}`;
    if (code === 0) {
      log.info(`${who} has left`);
    } else if (this.#isStopping || worker.phase === "leaving") {
      log.warn(`${who} ended with ${signal ?? `code ${code}`}`);
    } else {
      this.#failed(who, `is dead (${signal ?? `code ${code}`})`, {
        livedMs,
        isKilled: signal !== null,
      });
    }
    if (burst) this.#wanted = Math.min(this.#wanted, this.#staying.length);
    this.#startMissing();
  }

  /** A worker has ended by itself, with a failure. That of the first ones will be that of all others, unless killed. */
  #failed(
    who: string,
    how: string,
    { livedMs = 0, isKilled = false } = {},
  ): void {
    const { log, burst } = this.#settings;
    this.#backoff.died(livedMs);
    const isMissing = this.#staying.length < this.#wanted;
    const pause = isMissing ? Math.ceil(this.#backoff.pauseMs() / 1_000) : 0;
    const isFinal = burst || (!this.#hasListened && !isKilled);
    log.error(
      `${who} ${how}${
        isFinal || pause === 0 ? "" : `, the next one follows in ${pause} s`
      }`,
    );
    if (!isFinal) return;
    this.#error ??= new CannotStartError(
      `Cannot run the worker pool: ${who} ${how}`,
    );
    if (!burst) this.#stop();
  }

  #endIfEmpty(): void {
    const isOver = this.#isStopping || this.#settings.burst;
    if (isOver && this.#workers.size === 0) this.#done.resolve();
  }

  /** The workers that were not told to leave. */
  get #staying(): readonly PoolWorker[] {
    return [...this.#workers.values()]
      .filter(({ phase }) => phase !== "leaving");
  }

  #scale({ start, leave }: Scaling): void {
    // A restart has one worker more than there are to be, for a moment.
    if (this.#isStopping || this.#rolling.isRunning) return;
    const count = this.#staying.length;
    const leaving = leave === undefined ? undefined : this.#workers.get(leave);
    if (start === 0 && leaving === undefined) return;
    this.#wanted = leaving === undefined ? count + start : count - 1;
    this.#settings.log.info(`Scaling from ${count} to ${this.#wanted} workers`);
    leaving?.leave();
    this.#startMissing();
  }

  #argsOf(name: string): string[] {
    const options = { ...this.#ofWorkers, name };
    return workerArgs(
      this.#settings.queues,
      options,
      this.#options.workerFlags,
    );
  }

  /** Logs what the watch has run into; once, since it looks every moment. */
  #report(error: unknown): void {
    const text = String(error);
    if (this.#isStopping || text === this.#reported) return;
    this.#reported = text;
    logError(this.#settings.log, error);
  }

  #watchFiles(): Disposable {
    const { log, paths = defaultPaths() } = this.#settings;
    try {
      return new FileWatch(paths, () => {
        log.info("The code has changed");
        this.restart();
      });
    } catch (cause) {
      throw new CannotStartError(`Cannot watch ${paths.join(", ")}: ${cause}`, {
        cause,
      });
    }
  }

  #connect(): OpenConnection {
    const { log } = this.#settings;
    return openConnection(this.#options, {
      connectTimeout: Infinity,
      name: this.name,
      onState: (state) => logState(log, state),
      onWarning: (message) => log.warn(message),
    });
  }

  #makeWatch(): PoolWatch {
    const { min, max } = this.#range;
    const keys = new Keys(this.#options.prefix);
    return new PoolWatch({
      store: new PoolStore(this.#connection.client, keys),
      queues: this.#settings.queues,
      autoscaler: min === max ? undefined : new Autoscaler({ min, max }),
      workers: () => [...this.#workers.values()],
      onListening: (worker) => {
        this.#hasListened = true;
        this.#listening.resolve(true);
        worker.isListening();
      },
      onHanging: (worker) => {
        const who = `Worker ${worker.name} with pid ${worker.pid}`;
        this.#settings.log.error(`${who} hangs, killing it`);
        worker.kill();
      },
      onScaling: (scaling) => this.#scale(scaling),
      onError: (error) => this.#report(error),
    });
  }
}
