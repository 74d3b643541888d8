/** Programs that tests start, watch and kill. */

import { runFlags } from "./deno_flags.ts";
import { ROOT } from "./paths.ts";
import { waitFor } from "./wait_for.ts";

/** How {@linkcode spawnWorker} and {@linkcode spawnProgram} start a program. */
export interface SpawnOptions {
  /** Environment variables to add. @default {} */
  readonly env?: Readonly<Record<string, string>>;
  /** The working directory. @default the current one */
  readonly cwd?: string;
  /** Flags of `deno run` instead of `--allow-all`. @default ["--allow-all"] */
  readonly flags?: readonly string[];
}

/** A running program. Ends with `await using`. */
export class Program implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #pumps: Promise<unknown>;
  #stdout = "";
  #stderr = "";
  #ended = false;

  /** @param process one whose stdout and stderr are piped */
  constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.#pumps = Promise.all([
      pump(process.stdout, (text) => this.#stdout += text),
      pump(process.stderr, (text) => this.#stderr += text),
      process.status.then(() => this.#ended = true),
    ]);
  }

  /** Its process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** What it has printed so far. */
  get stdout(): string {
    return this.#stdout;
  }

  /** What it has printed to stderr so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves with its status, after everything that it printed has been read. */
  get status(): Promise<Deno.CommandStatus> {
    return this.#pumps.then(() => this.#process.status);
  }

  /** Waits until stdout or stderr matches a pattern. */
  async waitForOutput(
    pattern: RegExp,
    options: { readonly timeout?: number } = {},
  ): Promise<RegExpMatchArray> {
    const look = () =>
      this.#stdout.match(pattern) ?? this.#stderr.match(pattern);
    const match = await waitFor(() => look() ?? this.#ended, {
      ...options,
      message: () => `no output matches ${pattern}${this.#transcript()}`,
    });
    if (match !== true) return match;
    await this.#pumps;
    const last = look();
    if (last) return last;
    throw new Error(
      `Program ended: no output matches ${pattern}${this.#transcript()}`,
    );
  }

  /** Sends a signal; does nothing if it has ended. */
  kill(signal: Deno.Signal = "SIGTERM"): void {
    try {
      this.#process.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended already
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.#pumps;
  }

  #transcript(): string {
    return `\n--- stdout\n${this.#stdout}\n--- stderr\n${this.#stderr}`;
  }
}

/** Starts `worker.ts` as a user would. */
export function spawnWorker(
  args: readonly string[] = [],
  options: SpawnOptions = {},
): Program {
  return spawnProgram(`${ROOT}/worker.ts`, args, options);
}

/** Starts a program of this project with `deno run`. */
export function spawnProgram(
  path: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
): Program {
  const { env = {}, cwd, flags = ["--allow-all"] } = options;
  const own = ["--quiet", "--no-lock", "--config", `${ROOT}/deno.json`];
  return new Program(
    new Deno.Command(Deno.execPath(), {
      args: ["run", ...own, ...runFlags(), ...flags, path, ...args],
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
}

async function pump(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (text: string) => void,
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    take(text);
  }
}
