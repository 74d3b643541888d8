/**
 * The program that only schedules: `worker.ts cron FILE`. It stores the schedules of a file and makes the jobs of all
 * schedules that are due, and runs none.
 *
 * @module
 */

import { VERSION } from "../base/version.ts";
import { Keys } from "../store/keys.ts";
import { type OpenConnection, openConnection } from "../store/connection.ts";
import { ScheduleStore } from "../store/schedule_store.ts";
import { SweepStore } from "../store/sweep_store.ts";
import { checkSettings, type WorkerSettings } from "./check_settings.ts";
import { Commands } from "./commands.ts";
import { logState } from "./connection_state.ts";
import { CronFile } from "./cron_file.ts";
import { CronScheduler } from "./cron_scheduler.ts";
import { logError } from "./log.ts";
import type { WorkerOptions } from "./options.ts";

/** See the module. */
export class CronProgram {
  readonly #settings: WorkerSettings & { readonly cron: string };
  readonly #keys: Keys;
  readonly #connection: OpenConnection;
  readonly #stopping = new AbortController();
  readonly #listening = Promise.withResolvers<boolean>();

  /**
   * Checks the options. Connects only in {@linkcode CronProgram.run}.
   *
   * @param options Those of a worker; what concerns running jobs has no effect.
   * @throws {RangeError | TypeError} It names the option that is wrong.
   */
  constructor(file: string, options: WorkerOptions) {
    // No queue of its own: it makes jobs of any.
    const settings = checkSettings("default", { ...options, cron: file });
    this.#settings = { ...settings, cron: file };
    this.#keys = new Keys(options.prefix);
    const { log, name } = settings;
    this.#connection = openConnection(options, {
      connectTimeout: Infinity,
      name,
      onState: (state) => logState(log, state),
      onWarning: (message) => log.warn(message),
    });
  }

  /** Resolves with whether it has begun to schedule: `true` as soon as it does, `false` if it ended before. */
  get listening(): Promise<boolean> {
    return this.#listening.promise;
  }

  /** Schedules until it is told to stop. */
  async run(): Promise<void> {
    try {
      await this.#run();
    } finally {
      this.#listening.resolve(false);
    }
  }

  async #run(): Promise<void> {
    const { client, isOwn } = this.#connection;
    const { log, name } = this.#settings;
    const onError = (error: unknown) => logError(log, error);
    const schedules = new ScheduleStore(client, this.#keys);
    await using parts = new AsyncDisposableStack();
    parts.defer(async () => {
      if (isOwn) await client.close();
    });
    const file = new CronFile({
      ...this.#settings,
      file: this.#settings.cron,
      schedules,
      stopping: this.#stopping.signal,
    });
    log.info(`RQ cron scheduler '${name}' started, version ${VERSION}`);
    await file.apply();
    const scheduler = parts.use(
      new CronScheduler({
        schedules,
        sweeps: new SweepStore(client, this.#keys),
        ...{ file, name, log, onError },
      }),
    );
    const commands = this.#commands(scheduler, onError);
    parts.defer(() => commands.stop());
    await commands.subscribe();
    scheduler.start();
    log.info(`*** Scheduling the jobs of ${file.name}...`);
    this.#listening.resolve(true);
    await this.#stopped();
    log.info(`RQ cron scheduler '${name}' stopping on request`);
  }

  /** Lets it leave. */
  stop(): void {
    this.#stopping.abort();
  }

  #commands(
    scheduler: CronScheduler,
    onError: (error: unknown) => void,
  ): Commands {
    const { log, name } = this.#settings;
    const runsNone = () => {};
    return new Commands({
      client: this.#connection.client,
      channel: this.#keys.channel(name),
      log,
      onError,
      target: {
        shutdown: () => this.stop(),
        killHorse: runsNone,
        stopJob: runsNone,
        scheduled: runsNone,
        slotExpected: (ms) => scheduler.expect(ms),
      },
    });
  }

  async #stopped(): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
  }
}
