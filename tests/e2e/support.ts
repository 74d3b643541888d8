import { fromFileUrl } from "../support/paths.ts";
import { type Program, spawnWorker } from "../support/processes.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { resolvesWithin } from "../../lib/base/timers.ts";
import { connect } from "../../lib/redis/connect.ts";
import type { RedisClient } from "../../lib/redis/redis_client.ts";
import { Queue } from "../../mod.ts";

/** The project of the jobs: `jobs.hello` is `jobs.ts#hello` in it. */
export const JOBS: string = fromFileUrl(new URL("./jobs", import.meta.url));

/** How a {@linkcode WorkerProcess} is started. */
export interface WorkerProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** @default the project of the jobs */
  readonly cwd?: string;
  /** Flags of `deno run`. @default ["--allow-all"] */
  readonly flags?: readonly string[];
}

/** The exit code and output of a worker. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A worker, started as a user types it: `deno run -A worker.ts …`. Killed at the end of `await using`. */
export class WorkerProcess implements AsyncDisposable {
  readonly #program: Program;

  constructor(args: readonly string[], options: WorkerProcessOptions = {}) {
    this.#program = spawnWorker(args, { cwd: JOBS, ...options });
  }

  /** Starts one and waits until it listens. */
  static async listening(
    args: readonly string[],
    options: WorkerProcessOptions = {},
  ): Promise<WorkerProcess> {
    const worker = new WorkerProcess(args, options);
    try {
      await worker.waitForOutput(/\*\*\* Listening on /);
    } catch (error) {
      await worker[Symbol.asyncDispose]();
      throw error;
    }
    return worker;
  }

  /** Its process id. */
  get pid(): number {
    return this.#program.pid;
  }

  /** Everything that it has printed on stdout. */
  get stdout(): string {
    return this.#program.stdout;
  }

  /** Everything that it has printed on stderr. */
  get stderr(): string {
    return this.#program.stderr;
  }

  /** Waits until what it has printed, on either stream, matches. */
  async waitForOutput(
    pattern: RegExp,
    options: { timeout?: number } = {},
  ): Promise<void> {
    await this.#program.waitForOutput(pattern, options);
  }

  /** Sends a signal. */
  kill(signal: Deno.Signal): void {
    this.#program.kill(signal);
  }

  /** Sends a second signal, late enough not to count as an echo of the first. */
  async killAgain(signal: Deno.Signal): Promise<void> {
    await waitFor(() => {
      if (/Cold shut down/.test(this.stdout)) return true;
      this.kill(signal);
      return false;
    }, { interval: 150 });
  }

  /** Waits until it has ended by itself. */
  async ended(options: { timeout?: number } = {}): Promise<Ended> {
    const { timeout = 60_000 } = options;
    const { status } = this.#program;
    const hasEnded = await resolvesWithin(status, timeout);
    const { stdout, stderr } = this;
    if (hasEnded) return { code: (await status).code, stdout, stderr };
    throw new Error(
      `The worker did not end in ${timeout} ms:\n${stdout}\n--- stderr\n${stderr}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
  }
}

/** Runs a worker in burst mode until it ends; returns its exit code and output. */
export async function burst(
  args: readonly string[],
  options: WorkerProcessOptions & { timeout?: number } = {},
): Promise<Ended> {
  await using worker = new WorkerProcess(["--burst", ...args], options);
  return await worker.ended(options);
}

/** The log lines of a worker, without their times. */
export function logLines(output: string): string[] {
  return output.split("\n").flatMap((line) =>
    /^\d\d:\d\d:\d\d (.*)$/.exec(line)?.[1] ?? []
  );
}

/** A client and queues on it, for one test. */
export class Bench implements AsyncDisposable {
  readonly client: RedisClient;
  readonly #queues: Queue[] = [];

  constructor(url: string) {
    this.client = connect(url);
  }

  /** A queue. */
  queue(name: string): Queue {
    const queue = new Queue(name, { connection: this.client });
    this.#queues.push(queue);
    return queue;
  }

  /** One field of a hash, as text. */
  async field(key: string, name: string): Promise<string | null> {
    const value = await this.client.send("HGET", [key, name]);
    return value === null ? null : String(value);
  }

  /** Waits until a job has a status. */
  async hasStatus(
    id: string,
    status: string | null,
    timeout = 60_000,
  ): Promise<void> {
    let seen: string | null = null;
    await waitFor(async () => {
      seen = await this.field(`rq:job:${id}`, "status");
      return seen === status;
    }, { timeout, message: () => `job ${id} to be ${status}, it is ${seen}` });
  }

  /** Waits until a worker shows a state. */
  async workerIs(name: string, state: string): Promise<void> {
    await waitForEqual(() => this.field(`rq:worker:${name}`, "state"), state);
  }

  /** Writes a job's hash by hand, as another program might, and puts its id on a queue. */
  async push(
    queue: string,
    id: string,
    fields: Readonly<Record<string, string | number | Uint8Array>>,
  ): Promise<void> {
    await this.client.send("SADD", ["rq:queues", `rq:queue:${queue}`]);
    await this.client.send("HSET", [
      `rq:job:${id}`,
      ...Object.entries(fields).flat(),
    ]);
    await this.client.send("RPUSH", [`rq:queue:${queue}`, id]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}

/** A file that jobs append lines to: a record of what was run that depends on nothing else. */
export class Ledger implements Disposable {
  readonly path: string = Deno.makeTempFileSync({ prefix: "rq-ledger-" });

  /** Its lines. */
  lines(): string[] {
    return Deno.readTextFileSync(this.path).split("\n").filter((line) => line);
  }

  /** How often each line is in it. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const line of this.lines()) {
      counts.set(line, (counts.get(line) ?? 0) + 1);
    }
    return counts;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path);
  }
}
