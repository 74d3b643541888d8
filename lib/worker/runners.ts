/**
 * The runners of a worker, one for each isolation, and the choice between them.
 *
 * @module
 */

import { isIsolation, type Isolation, stricter } from "../job/isolation.ts";
import { SharedRunner } from "../runner/shared_runner.ts";
import { LimitedRunner } from "../runner/limited_runner.ts";
import { isSuspect } from "../job/record.ts";
import type { Runner } from "../runner/runner.ts";
import {
  SubprocessRunner,
  type SubprocessRunnerOptions,
} from "../runner/subprocess_runner.ts";
import type { Execution } from "../store/worker_types.ts";
import type { SteadyLog } from "./log.ts";
import type { WorkerSettings } from "./check_settings.ts";

/** The options of {@linkcode Runners}. */
export interface RunnersOptions {
  readonly settings: WorkerSettings;
  /** Options of all subprocesses. */
  readonly common: Omit<
    SubprocessRunnerOptions,
    "prewarm" | "maxJobsPerProcess" | "maxMemoryPerProcess"
  >;
}

/**
 * How many jobs at once get a process of their own where that is an exception: a hundred jobs of a dead
 * worker must not take 4 GB of memory on the next one.
 */
const MAX_SINGLE = 10;

/** One runner for each isolation that is needed. */
export class Runners implements AsyncDisposable {
  readonly #options: RunnersOptions;
  readonly #runners = new Map<Isolation, Runner>();
  #alone: Runner | undefined;
  /** The isolations of queues, as opposed to single jobs. */
  readonly #usual: ReadonlySet<Isolation>;

  /** Starts nothing yet. */
  constructor(options: RunnersOptions) {
    this.#options = options;
    const { queues, isolationOf } = options.settings;
    this.#usual = new Set(queues.map(isolationOf));
  }

  /** Prepares for the first jobs: with at most so many subprocesses for each isolation. */
  prepare(most?: number): void {
    for (const isolation of this.#usual) this.#runner(isolation).prepare(most);
  }

  /**
   * The runner of an execution: with the isolation of its queue, or a stricter one that the job asks for.
   * A suspect, which may have killed its last worker, gets a process of its own.
   */
  of({ queue, job }: Execution): Runner {
    const usual = this.#options.settings.isolationOf(queue);
    const asked = job.text("x_isolation");
    const isolation = isSuspect(job)
      ? "process"
      : isIsolation(asked)
      ? stricter(asked, usual)
      : usual;
    return isolation === "process" && usual !== "process"
      ? this.#single()
      : this.#runner(isolation);
  }

  /** The runner for jobs that get a process of their own as an exception. */
  #single(): Runner {
    return this.#alone ??= new LimitedRunner(
      this.#runner("process"),
      MAX_SINGLE,
    );
  }

  /** Kills everything that still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#runners.values()].map((r) => r.close()));
  }

  #runner(isolation: Isolation): Runner {
    let runner = this.#runners.get(isolation);
    if (runner === undefined) {
      runner = this.#make(isolation);
      this.#runners.set(isolation, runner);
    }
    return runner;
  }

  #make(isolation: Isolation): Runner {
    const { settings } = this.#options;
    const common = {
      ...this.#options.common,
      modules: settings.jobModules,
      ...told(settings.log),
    };
    const { concurrency, maxJobsPerProcess } = settings;
    // Memory that earlier jobs have left behind must not count too much against a job's limit.
    const maxMemoryPerProcess = Math.min(
      settings.maxMemoryPerProcess,
      (settings.jobMemory ?? Infinity) / 2 / 1024 / 1024,
    );
    const cores = navigator.hardwareConcurrency;
    // The machine boots no more at once; more would only cost memory.
    const prewarm = this.#usual.has(isolation)
      ? Math.min(concurrency, cores)
      : 0;
    switch (isolation) {
      case "process":
        // One more than run at once, or short jobs would wait for each other's boot.
        return new SubprocessRunner({
          ...common,
          prewarm: prewarm === 0 ? 0 : prewarm + 1,
        });
      case "reuse":
        return new SubprocessRunner({
          ...common,
          prewarm,
          keep: concurrency,
          maxJobsPerProcess: maxJobsPerProcess ?? 10_000,
          maxMemoryPerProcess,
        });
      case "shared":
        return new SharedRunner({
          ...common,
          maxJobsPerProcess: maxJobsPerProcess ?? Infinity,
          maxMemoryPerProcess,
          alone: this.#single(),
        });
    }
  }
}

/** Logs how jobs affect each other. */
function told(
  log: SteadyLog,
): Pick<SubprocessRunnerOptions, "onBeganAgain" | "onLateError"> {
  return {
    onBeganAgain: ({ origin, jobId }) =>
      log.warn(`${origin}: Its process ended, begun again (${jobId})`, {
        queue: origin,
        jobId,
      }),
    onLateError: ({ jobId, message }) =>
      log.warn(
        `Unhandled error of a job that had ended, its process takes no more jobs: ${message} (${
          jobId ?? "unknown job"
        })`,
        jobId === undefined ? {} : { jobId },
      ),
  };
}
