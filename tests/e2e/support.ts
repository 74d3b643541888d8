import { fail } from "@std/assert";
import { fileURLToPath } from "node:url";
import { runFlags, waitFor } from "./basics.ts";
import { connect, Queue, type RedisClient } from "../../mod.ts";

export { waitFor } from "./basics.ts";

/** The project of the jobs: `jobs.hello` is `jobs.ts#hello` in it. */
export const JOBS: string = fileURLToPath(new URL("./jobs", import.meta.url));

const WORKER = fileURLToPath(new URL("../../worker.ts", import.meta.url));

/** How a {@linkcode WorkerProcess} is started. */
export interface WorkerProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** @default the project of the jobs */
  readonly cwd?: string;
}

/** A worker, started as a user types it: `deno run -A worker.ts …`. Killed at the end of `await using`. */
export class WorkerProcess implements AsyncDisposable {
  readonly pid: number;
  readonly status: Promise<Deno.CommandStatus>;
  readonly #process: Deno.ChildProcess;
  readonly #pumps: Promise<void>[];
  readonly #chunks: { stream: "stdout" | "stderr"; text: string }[] = [];
  #waiting: (() => void)[] = [];

  constructor(args: readonly string[], options: WorkerProcessOptions = {}) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", ...runFlags(), WORKER, ...args],
      cwd: options.cwd ?? JOBS,
      env: { NO_COLOR: "1", ...options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = this.#process.pid;
    this.status = this.#process.status;
    this.#pumps = [
      this.#pump("stdout", this.#process.stdout),
      this.#pump("stderr", this.#process.stderr),
    ];
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

  /** All that it has printed on stdout. */
  get stdout(): string {
    return this.#textOf("stdout");
  }

  /** All that it has printed on stderr. */
  get stderr(): string {
    return this.#textOf("stderr");
  }

  /** Waits until what it has printed, on either stream, matches. */
  async waitForOutput(
    pattern: RegExp,
    options: { timeout?: number } = {},
  ): Promise<void> {
    const { timeout = 20_000 } = options;
    const deadline = Promise.withResolvers<"late">();
    const timer = setTimeout(() => deadline.resolve("late"), timeout);
    try {
      const ended = Promise.allSettled(this.#pumps).then(() => "ended");
      for (;;) {
        const more = new Promise<void>((resolve) =>
          this.#waiting.push(resolve)
        );
        if (this.#matches(pattern)) return;
        const why = await Promise.race([more, ended, deadline.promise]);
        if (why === undefined || this.#matches(pattern)) continue;
        fail(`${pattern} was not printed in time:\n${this.#all()}`);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends a signal. */
  kill(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Waits until it has ended by itself; gives its exit code and its whole output. */
  async ended(
    options: { timeout?: number } = {},
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const { timeout = 30_000 } = options;
    const late = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => late.resolve(undefined), timeout);
    const status = await Promise.race([this.status, late.promise]);
    clearTimeout(timer);
    if (status === undefined) {
      fail(`The worker did not end in ${timeout} ms:\n${this.#all()}`);
    }
    await Promise.all(this.#pumps);
    return { code: status.code, stdout: this.stdout, stderr: this.stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended already
    }
    await this.status;
    await Promise.all(this.#pumps);
  }

  async #pump(
    stream: "stdout" | "stderr",
    pipe: ReadableStream<Uint8Array>,
  ): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of pipe) {
      const text = decoder.decode(chunk, { stream: true });
      this.#chunks.push({ stream, text });
      for (const wake of this.#waiting.splice(0)) wake();
    }
  }

  #matches(pattern: RegExp): boolean {
    return [this.stdout, this.stderr].some((text) => pattern.test(text));
  }

  #textOf(wanted: "stdout" | "stderr"): string {
    return this.#chunks.filter(({ stream }) => stream === wanted)
      .map(({ text }) => text).join("");
  }

  #all(): string {
    return `--- stdout\n${this.stdout}\n--- stderr\n${this.stderr}`;
  }
}

/** Runs a worker to its end in burst mode; gives its exit code and its output. */
export async function burst(
  args: readonly string[],
  options: WorkerProcessOptions & { timeout?: number } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
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
    timeout = 20_000,
  ): Promise<void> {
    let seen: string | null = null;
    await waitFor(async () => {
      seen = await this.field(`rq:job:${id}`, "status");
      return seen === status;
    }, { timeout, message: () => `job ${id} to be ${status}, it is ${seen}` });
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

/** A file that jobs append lines to: what was run, as told by nobody but the jobs. */
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

/** Whether a process of this id lives; a zombie does not. */
export function pidAlive(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return !/^\d+ \(.*\) [ZX]/s.test(stat);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
