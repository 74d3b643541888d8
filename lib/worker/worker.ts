/**
 * The `Worker` of the public API.
 *
 * @module
 */

import { Alarms } from "../base/alarms.ts";
import { ConnectionLostError } from "../redis/redis_client.ts";
import { checkStart } from "../runner/check_start.ts";
import { childPermissions } from "../runner/permissions.ts";
import { type OpenConnection, openConnection } from "../store/connection.ts";
import { Keys } from "../store/keys.ts";
import { WorkerStore } from "../store/worker_store.ts";
import { checkAccess } from "./access.ts";
import { logState } from "./connection_state.ts";
import { OWN_OUTPUT, tellDropped } from "./output.ts";
import { defaultPaths } from "./paths.ts";
import { Runners } from "./runners.ts";
import { InHand } from "./in_hand.ts";
import { CannotStartError } from "./errors.ts";
import { TIME_UP, WorkerSession } from "./session.ts";
import type { WorkerOptions } from "./options.ts";
import { checkSettings, type WorkerSettings } from "./check_settings.ts";
import {
  type WorkerEvent,
  WorkerEvents,
  type WorkerEventsOptions,
} from "./worker_events.ts";

/** For how many seconds a check waits for Redis. */
const CHECK_SECONDS = 10;

/** How long a worker without jobs waits for a silent Redis before it stops without deregistering, in milliseconds. */
const LEAVE_MS = 5_000;

/**
 * Runs jobs: one at a time, each in a process of its own, unless the options say otherwise.
 *
 * @example
 * ```ts ignore
 * import { Worker } from "@deno-rq/rq/worker";
 *
 * const worker = new Worker(["high", "low"], { log: console, burst: true });
 * await worker.work();
 * ```
 */
export class Worker implements AsyncDisposable {
  readonly #settings: WorkerSettings;
  readonly #options: WorkerOptions;
  readonly #stopping = new AbortController();
  readonly #inHand = new InHand();
  readonly #alarms = new Alarms();
  readonly #events = new WorkerEvents();
  #cold = false;
  readonly #connection: OpenConnection;
  readonly #keys: Keys;
  #working: Promise<number> | undefined;
  readonly #listening = Promise.withResolvers<boolean>();

  /**
   * Checks the options. Connects only in {@linkcode Worker.work}.
   *
   * @param queues The names of the queues, in order of priority.
   * @throws {RangeError | TypeError} It names the option that is wrong.
   */
  constructor(queues: string | readonly string[], options: WorkerOptions = {}) {
    this.#settings = checkSettings(queues, options);
    this.#options = options;
    this.#keys = new Keys(options.prefix);
    this.#connection = this.#connect();
  }

  /** The worker's name. */
  get name(): string {
    return this.#settings.name;
  }

  /** Resolves with whether it has begun to take jobs: `true` as soon as it does, `false` if it ended before. */
  get listening(): Promise<boolean> {
    return this.#listening.promise;
  }

  /**
   * Works until it is told to stop; in burst mode until every queue is empty. Call it once.
   *
   * @returns How many jobs it ran.
   * @throws {TypeError} If it was called before.
   * @throws {CannotStartError} If it cannot, or may not, start processes.
   * @throws {WorkerNameTakenError} If another living worker has this name.
   * @throws {ConnectionRefusedError} If Redis refuses the password or is too old.
   */
  async work(): Promise<number> {
    if (this.#working !== undefined) {
      throw new TypeError("Cannot work: work() was called before");
    }
    this.#working = this.#workUntilSignal();
    return await this.#working;
  }

  async #workUntilSignal(): Promise<number> {
    const { signal } = this.#options;
    const stop = () => this.stop();
    signal?.addEventListener("abort", stop);
    try {
      if (!signal?.aborted) return await this.#work();
      await this.#disconnect();
      return 0;
    } finally {
      this.#events.end();
      this.#listening.resolve(false);
      signal?.removeEventListener("abort", stop);
    }
  }

  /**
   * Checks whether {@linkcode Worker.work} could begin: what it may do, whether a process for jobs starts, whether Redis
   * answers within 10 seconds (or `connectTimeout`), and what its user may do there. It runs nothing and leaves no trace.
   * Call it instead of `work()`.
   *
   * @throws {CannotStartError} It says what is missing.
   * @throws {ConnectionLostError | ConnectionRefusedError} If Redis cannot be reached, or refuses the password.
   */
  async check(): Promise<void> {
    const { signal } = this.#stopping;
    await using parts = new AsyncDisposableStack();
    parts.defer(() => this.#disconnect());
    await this.#processes(signal, true);
    const { client, isOwn } = openConnection({
      connectTimeout: CHECK_SECONDS,
      ...this.#options,
    });
    if (isOwn) parts.defer(() => client.close());
    await checkAccess(client, new WorkerStore(client, this.#keys));
  }

  /** What all processes of jobs have in common, after a check whether one can be started. */
  async #processes(signal: AbortSignal, isForced = false) {
    const { log, hooks, jobMemory } = this.#settings;
    const { execPath, denoArgs } = this.#options;
    await checkRun(execPath);
    const paths = this.#options.paths ?? defaultPaths();
    const permissions = await childPermissions(this.#options.permissions);
    for (const warning of permissions.warnings) log.warn(warning);
    const common = {
      paths: [...paths],
      permissions,
      sink: OWN_OUTPUT,
      env: { RQ_WORKER_ID: this.#settings.name },
      preload: this.#settings.preload,
      measure: this.#settings.measureJobs,
      onWarning: (message: string) => log.warn(message),
      ...optional({ execPath, denoArgs, jobMemory, hooks }),
    };
    const why = await checkStart(common, signal, isForced);
    if (why === undefined) return common;
    throw new CannotStartError(`Cannot start the worker: ${why}`);
  }

  async #work(): Promise<number> {
    const { log } = this.#settings;
    this.#warnOfSharedOutput();
    const common = await this.#processes(this.#stopping.signal);
    await using parts = new AsyncDisposableStack();
    parts.use(tellDropped((text) => log.warn(text)));
    parts.defer(() => this.#disconnect());
    const runners = parts.use(
      new Runners({ settings: this.#settings, common }),
    );
    parts.use(this.#alarms);
    const session = new WorkerSession({
      settings: this.#settings,
      client: this.#connection.client,
      keys: this.#keys,
      runners,
      inHand: this.#inHand,
      stopping: this.#stopping.signal,
      stop: () => this.stop(),
      events: this.#events,
      onListening: () => {
        this.#listening.resolve(true);
        this.#events.tell({ type: "listening" });
      },
    });
    this.#alarms.set(this.#settings.maxTime * 1_000, () => this.#timeIsUp());
    try {
      return await session.work();
    } catch (error) {
      const left = this.#stopping.signal.aborted &&
        error instanceof ConnectionLostError;
      if (!left) throw error;
      log.warn("Stopped without deregistering: Redis does not answer");
      return session.done;
    }
  }

  #warnOfSharedOutput(): void {
    const { captureLogs, queues, isolationOf, log } = this.#settings;
    if (captureLogs === undefined) return;
    const shared = queues.filter((queue) => isolationOf(queue) === "shared");
    if (shared.length === 0) return;
    log.warn(
      `What jobs of ${
        shared.join(", ")
      } print is not kept: they share a process; currentJob.log() is`,
    );
  }

  /** Warm shutdown: takes no more jobs, lets the running ones end (at most `grace`), then leaves. */
  stop(): void {
    this.#stop("Warm shut down requested");
  }

  #timeIsUp(): void {
    const seconds = this.#settings.maxTime;
    this.#stop(`Worked for ${seconds} seconds, warm shut down`, TIME_UP);
  }

  #stop(line: string, reason?: DOMException): void {
    if (this.#stopping.signal.aborted) return;
    const { log, grace } = this.#settings;
    log.info(line);
    this.#stopping.abort(reason);
    this.#events.tell({ type: "stopping", cold: false });
    this.#alarms.set(grace * 1_000, () => this.stopNow());
    this.#alarms.set(LEAVE_MS, () => {
      if (this.#inHand.executions.length === 0) this.#disconnect();
    });
  }

  /** Cold shutdown: kills the running jobs, puts them back on their queues, then leaves. */
  stopNow(): void {
    this.stop();
    if (this.#cold) return;
    this.#cold = true;
    this.#settings.log.warn("Cold shut down");
    this.#events.tell({ type: "stopping", cold: true });
    this.#inHand.abort("cold", () => true);
    this.#alarms.set(LEAVE_MS, () => this.#disconnect());
  }

  /**
   * Tells what happens in this worker from now on, until it has ended: for metrics, or tests. What happens to jobs in all
   * workers, `watchJobs()` tells.
   *
   * @throws {TypeError} If there is an unknown option.
   *
   * @example
   * ```ts ignore
   * for await (const event of worker.events()) {
   *   if (event.type === "ended") console.log(event.funcName, event.outcome, event.durationMs);
   * }
   * ```
   */
  events(
    options: WorkerEventsOptions = {},
  ): AsyncIterableIterator<WorkerEvent> {
    return this.#events.follow(options);
  }

  /** Begins a warm shutdown and waits for its end. Only {@linkcode Worker.work} reports how the work ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#working === undefined) {
      this.#working = Promise.resolve(0);
      this.#events.end();
      this.#listening.resolve(false);
      return await this.#disconnect();
    }
    this.stop();
    await this.#working.catch(() => undefined);
    this.#alarms[Symbol.dispose]();
  }

  /** Closes the connection, unless it was passed in. Also ends every wait for a Redis that does not answer. */
  async #disconnect(): Promise<void> {
    const { client, isOwn } = this.#connection;
    if (isOwn) await client.close();
  }

  #connect(): OpenConnection {
    const { log, name } = this.#settings;
    return openConnection(this.#options, {
      connectTimeout: Infinity,
      name,
      onState: (state) => {
        const type = state.state === "up" ? "connected" : "disconnected";
        this.#events.tell({ type });
        logState(log, state);
      },
      onWarning: (message) => log.warn(message),
    });
  }
}

/** Refuses to start without the permission to start processes: every job would fail. */
async function checkRun(execPath: string | undefined): Promise<void> {
  const command = execPath ?? Deno.execPath();
  const allowed = await Deno.permissions.query({ name: "run", command });
  if (allowed.state === "granted") return;
  throw new CannotStartError(
    `Cannot start the worker: jobs run in processes of ${command}, which needs --allow-run`,
  );
}

/** Without the properties that are undefined. */
function optional<T extends object>(
  properties: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const given = Object.entries(properties).filter(([, v]) => v !== undefined);
  return Object.fromEntries(given) as ReturnType<typeof optional<T>>;
}
