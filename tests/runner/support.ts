import { fileURLToPath } from "node:url";
import { childPermissions } from "../../lib/runner/permissions.ts";
import type {
  FailureOutcome,
  JobHost,
  Outcome,
  RunOptions,
  RunRequest,
} from "../../lib/runner/runner.ts";
import { SharedRunner } from "../../lib/runner/shared_runner.ts";
import { LimitedRunner } from "../../lib/runner/limited_runner.ts";
import type { Runner } from "../../lib/runner/runner.ts";
import {
  SubprocessRunner,
  type SubprocessRunnerOptions,
} from "../../lib/runner/subprocess_runner.ts";

/** The directory of the jobs that the tests run. */
export const FIXTURES: string = fileURLToPath(
  new URL("./fixtures", import.meta.url),
);

/** Where jobs run. */
export type Way = "process" | "reuse" | "shared";

/** Options of a {@linkcode TestRunner}. */
export type TestRunnerOptions = Partial<SubprocessRunnerOptions> & {
  flags?: string[];
  way?: Way;
  maxAlone?: number;
};

/** Creates a {@linkcode TestRunner}. */
export type Create = (options?: TestRunnerOptions) => Promise<TestRunner>;

const WAYS: readonly Way[] = ["process", "reuse", "shared"];

/** Defines one test for each way of running jobs. */
export function eachWay(
  name: string,
  body: (create: Create, way: Way) => Promise<void>,
): void {
  for (const way of WAYS) {
    const create: Create = (options) => TestRunner.create({ way, ...options });
    Deno.test(`${way}: ${name}`, () => body(create, way));
  }
}

/** Defines a test for each way and each row; `$key` in the name stands for a value of the row. */
export function eachWayOf<T extends Record<string, unknown>>(
  rows: readonly T[],
): (name: string, body: (create: Create, row: T) => Promise<void>) => void {
  return (name, body) => {
    for (const row of rows) {
      const title = name.replace(/\$(\w+)/g, (_, key) => String(row[key]));
      eachWay(title, (create) => body(create, row));
    }
  };
}

/** A ready runner that runs its jobs in the given way. */
function runnerOf(
  way: Way,
  options: SubprocessRunnerOptions & { maxAlone?: number },
): Runner {
  if (way === "process") return new SubprocessRunner(options);
  if (way === "reuse") {
    const many = { prewarm: 1, maxJobsPerProcess: 1_000 };
    return new SubprocessRunner({ ...many, ...options });
  }
  const alone = new SubprocessRunner(options);
  const shared = new SharedRunner({
    ...options,
    alone: new LimitedRunner(alone, options.maxAlone ?? 2),
  });
  return new WithAlone(shared, alone);
}

/** Closes both. */
class WithAlone implements Runner {
  readonly #runner: Runner;
  readonly #alone: Runner;

  constructor(runner: Runner, alone: Runner) {
    this.#runner = runner;
    this.#alone = alone;
  }

  prepare(): void {
    this.#runner.prepare();
  }

  run(...run: Parameters<Runner["run"]>): ReturnType<Runner["run"]> {
    return this.#runner.run(...run);
  }

  async close(): Promise<void> {
    await Promise.all([this.#runner.close(), this.#alone.close()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A runner that records what jobs print and which calls they make. */
export class TestRunner implements AsyncDisposable {
  readonly runner: Runner;
  /** The jobs' calls to their worker, in order. */
  readonly calls: unknown[] = [];
  #stdout: Uint8Array[] = [];
  #stderr: Uint8Array[] = [];
  #count = 0;

  constructor(runner: (t: TestRunner) => Runner) {
    this.runner = runner(this);
  }

  /** Makes one; jobs have all permissions unless flags are given, and a process each unless a way is named. */
  static async create(options: TestRunnerOptions = {}): Promise<TestRunner> {
    const { flags, way = "process", ...rest } = options;
    const permissions = await childPermissions(flags ?? ["-A"]);
    return new TestRunner((t) =>
      runnerOf(way, {
        paths: [FIXTURES],
        permissions,
        sink: {
          stdout: (chunk) =>
            Promise.resolve(void t.#stdout.push(chunk.slice())),
          stderr: (chunk) =>
            Promise.resolve(void t.#stderr.push(chunk.slice())),
        },
        ...rest,
      })
    );
  }

  /** What was printed on stdout since the last call of `clear()`. */
  stdout(): string {
    return decode(this.#stdout);
  }

  /** What was printed on stderr since the last call of `clear()`. */
  stderr(): string {
    return decode(this.#stderr);
  }

  /** How many bytes were printed on stdout. */
  stdoutSize(): number {
    return this.#stdout.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  clear(): void {
    this.#stdout = [];
    this.#stderr = [];
  }

  run(
    funcName: string,
    args: readonly unknown[] = [],
    options: Partial<RunRequest> & Partial<RunOptions> = {},
  ): Promise<Outcome> {
    const { signal, onProcess, ...rest } = options;
    const request: RunRequest = {
      jobId: `job-${++this.#count}`,
      executionId: "execution-1",
      attempt: 1,
      origin: "default",
      funcName,
      args,
      kwargs: {},
      meta: {},
      timeout: 60,
      ...rest,
    };
    return this.runner.run(request, this.#host(), {
      signal: signal ?? new AbortController().signal,
      ...(onProcess === undefined ? {} : { onProcess }),
    });
  }

  /** Runs a job that is expected to return, and reads its result. */
  async result(...call: Parameters<TestRunner["run"]>): Promise<unknown> {
    const outcome = await this.run(...call);
    if (outcome.type === "failure") throw new Error(outcome.excInfo);
    if (outcome.type === "asleep") throw new Error("The job sleeps");
    return outcome.result && JSON.parse(outcome.result);
  }

  /** Runs a job that is expected to fail. */
  async failure(
    ...call: Parameters<TestRunner["run"]>
  ): Promise<FailureOutcome> {
    const outcome = await this.run(...call);
    if (outcome.type !== "failure") throw new Error("The job did not fail");
    return outcome;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.runner.close();
  }

  #host(): JobHost {
    return {
      enqueue: (request) => {
        this.calls.push(["enqueue", request]);
        const { func } = request;
        if (func === "slow.job") return Promise.withResolvers<string>().promise;
        return func === "refused.job"
          ? Promise.reject(new Error("the queue is closed"))
          : Promise.resolve(`new-${this.calls.length}`);
      },
      saveMeta: (meta) => Promise.resolve(void this.calls.push(["meta", meta])),
      parents: () => Promise.resolve("[]"),
      saveProgress: (value, note) =>
        Promise.resolve(void this.calls.push(["progress", value, note])),
      emit: (parts) => Promise.resolve(void this.calls.push(["emit", parts])),
      log: (text) => Promise.resolve(void this.calls.push(["log", text])),
      steps: (call) => {
        this.calls.push([call.method, call]);
        return Promise.resolve("");
      },
    };
  }
}

/** Waits for a condition; fails after a deadline in milliseconds. */
export async function until(
  what: string,
  isSo: () => boolean,
  deadline = 60_000,
): Promise<void> {
  const end = performance.now() + deadline;
  while (!isSo()) {
    if (performance.now() > end) {
      throw new Error(`Waited in vain until ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The process ids that a job printed, one per line. */
export function pidsIn(text: string): number[] {
  return text.trim().split("\n").filter((line) => /^\d+$/.test(line))
    .map(Number);
}

function decode(chunks: Uint8Array[]): string {
  const decoder = new TextDecoder();
  return chunks.map((c) => decoder.decode(c, { stream: true })).join("");
}
