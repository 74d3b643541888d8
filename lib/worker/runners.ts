/**
 * The ways in which a worker runs jobs, and which of them a job gets.
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

/** What {@linkcode Runners} work with. */
export interface RunnersOptions {
  readonly settings: WorkerSettings;
  /** What all subprocesses have in common. */
  readonly common: Omit<
    SubprocessRunnerOptions,
    "prewarm" | "maxJobsPerProcess" | "maxMemoryPerProcess"
  >;
}

/**
 * Most jobs at once with a process of their own where that is not usual: a hundred that a dead
 * worker left behind must not take 4 GB of memory on the next one.
 */
const MAX_SINGLE = 10;

/** One runner for each way that is needed. */
export class Runners implements AsyncDisposable {
  readonly #options: RunnersOptions;
  readonly #runners = new Map<Isolation, Runner>();
  #alone: Runner | undefined;
  /** The ways that queues have, not only single jobs. */
  readonly #usual: ReadonlySet<Isolation>;

  /** Starts nothing yet. */
  constructor(options: RunnersOptions) {
    this.#options = options;
    const { queues, isolationOf } = options.settings;
    this.#usual = new Set(queues.map(isolationOf));
  }

  /** Gets ready for the first jobs. */
  prepare(): void {
    for (const isolation of this.#usual) this.#runner(isolation).prepare();
  }

  /**
   * What runs an execution: in the way of its queue, or in a stricter one that the job itself asks for.
   * A job whose worker has died while it ran may be the reason, and gets a process of its own.
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

  /** For jobs that have a process of their own where that is not usual. */
  #single(): Runner {
    return this.#alone ??= new LimitedRunner(
      this.#runner("process"),
      MAX_SINGLE,
    );
  }

  /** Kills what is left. */
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
    // What jobs before it have left must not use up what a job may use.
    const maxMemoryPerProcess = Math.min(
      settings.maxMemoryPerProcess,
      (settings.jobMemory ?? Infinity) / 2 / 1024 / 1024,
    );
    const cores = navigator.hardwareConcurrency;
    // More than the machine boots at once is only memory.
    const prewarm = this.#usual.has(isolation)
      ? Math.min(concurrency, cores)
      : 0;
    switch (isolation) {
      case "process":
        // One more, or short jobs wait for each other's boot.
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

/** What is logged of jobs that get into each other's way. */
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
        `Error left behind by a job that had ended, its process takes no more: ${message} (${
          jobId ?? "unknown job"
        })`,
        jobId === undefined ? {} : { jobId },
      ),
  };
}
