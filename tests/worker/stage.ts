/** One execution from its claim to its recorded end: a real Redis, and stand-ins for what runs jobs. */

import { Buffer } from "node:buffer";
import { inflateSync } from "node:zlib";
import type { RedisClient } from "../../lib/redis/redis_client.ts";
import type {
  FailureReason,
  Outcome,
  Runner,
} from "../../lib/runner/runner.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import type {
  Execution,
  WorkerIdentity,
} from "../../lib/store/worker_types.ts";
import { Executor, type ExecutorOptions } from "../../lib/worker/execution.ts";
import { InHand } from "../../lib/worker/in_hand.ts";
import { JobLog } from "../../lib/worker/job_log.ts";
import type { SteadyLog } from "../../lib/worker/log.ts";
import { Recorder, type RecorderOptions } from "../../lib/worker/recorder.ts";
import { type AddOptions, Bench } from "../store/support.ts";

/** What a job does. */
export type Run = (signal: AbortSignal) => Promise<Outcome>;

/** A job that returns 42. */
export const SUCCESS: Outcome = { type: "success", result: "42" };

/** A job that fails. */
export function failure(reason: FailureReason, tail = ""): Outcome {
  const message = "It failed";
  return { type: "failure", reason, message, excInfo: `${message}${tail}` };
}

function runnerOf(run: Run): Runner {
  return {
    prepare() {},
    run: (_request, _host, { signal }) => run(signal),
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** A worker on a Redis of its own, and the jobs that it has in hand. */
export class Stage implements AsyncDisposable {
  readonly inHand: InHand = new InHand();
  readonly stopping: AbortController = new AbortController();
  readonly lines: string[] = [];
  readonly bench: Bench;
  readonly worker: WorkerIdentity;

  private constructor(bench: Bench, worker: WorkerIdentity) {
    this.bench = bench;
    this.worker = worker;
  }

  static async open(): Promise<Stage> {
    const bench = await Bench.open();
    return new Stage(bench, await bench.worker());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.bench[Symbol.asyncDispose]();
  }

  get log(): SteadyLog {
    const note = (text: string) => void this.lines.push(text);
    const takes = () => true;
    return { takes, debug: note, info: note, warn: note, error: note };
  }

  executor(run: Run, options: Partial<ExecutorOptions> = {}): Executor {
    return new Executor({
      store: this.bench.workers,
      runnerOf: () => runnerOf(run),
      mayEnqueue: () => true,
      bigInts: false,
      resultTtl: 500,
      jobLog: new JobLog(this.log, true),
      ...options,
    });
  }

  recorder(
    client: RedisClient = this.bench.client,
    options: Partial<RecorderOptions> = {},
  ): Recorder {
    return new Recorder({
      store: new WorkerStore(client, this.bench.keys),
      identity: this.worker,
      inHand: this.inHand,
      log: this.log,
      jobLog: new JobLog(this.log, true),
      stopping: this.stopping.signal,
      ...options,
    });
  }

  /** A job that has been claimed and begun. */
  async begun(id = "a", options: AddOptions = {}): Promise<
    { execution: Execution; signal: AbortSignal }
  > {
    await this.bench.add(id, options);
    this.inHand.add(await this.bench.claim(this.worker));
    return this.inHand.begin()!;
  }

  async failureText(id: string): Promise<string> {
    const result = await this.bench.jobs.latestResult(id);
    return inflateSync(Buffer.from(result?.excString ?? "", "base64"))
      .toString();
  }
}
