/** Processes that are certain to end. */

/** What is started. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A process that ends at the latest with `await using`. */
export class Child implements AsyncDisposable {
  readonly process: Deno.ChildProcess;
  #ended = false;

  constructor(
    program: Program,
    stdio: Pick<Deno.CommandOptions, "stdin" | "stdout" | "stderr">,
  ) {
    this.process = new Deno.Command(program.command, {
      args: [...program.args],
      cwd: program.cwd,
      env: { NO_COLOR: "1", ...program.env },
      ...stdio,
    }).spawn();
    this.process.status.then(() => this.#ended = true);
  }

  /** Whether it has ended. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Asks it to leave; kills it if it does not within the time. */
  async stop(graceMs: number): Promise<void> {
    this.kill("SIGTERM");
    const timer = setTimeout(() => this.kill("SIGKILL"), graceMs);
    await this.process.status;
    clearTimeout(timer);
  }

  /** Sends a signal, if it still lives. */
  kill(signal: Deno.Signal): void {
    if (this.#ended) return;
    try {
      this.process.kill(signal);
    } catch (error) {
      // It ended a moment ago.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** Kills it and waits for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.process.status;
  }
}

/** Runs a program to its end; throws with the last of what it said if it fails. */
export async function runToEnd(
  program: Program,
  timeoutMs: number,
): Promise<string> {
  const command = new Deno.Command(program.command, {
    args: [...program.args],
    cwd: program.cwd,
    env: { NO_COLOR: "1", ...program.env },
    signal: AbortSignal.timeout(timeoutMs),
    stdin: "null",
  });
  const { success, code, signal, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  const said = decoder.decode(stderr).trim().split("\n").slice(-3).join(" ");
  throw new Error(
    `Cannot run ${program.command}: it ended with ${signal ?? code}: ${said}`,
  );
}
