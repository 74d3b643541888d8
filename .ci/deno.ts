/**
 * Starts processes for the tasks, `deno` itself above all: by its path, since it
 * need not be on `PATH`.
 *
 * @module
 */

/** How a process is started. */
export interface RunOptions {
  /** Environment variables to add. @default {} */
  readonly env?: Readonly<Record<string, string>>;
  /** The working directory. @default the current one */
  readonly cwd?: string;
  /** Ends the process. @default never */
  readonly signal?: AbortSignal;
}

/** How a process ended, and what it printed. */
export interface Captured {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `deno` on this terminal, and returns its exit code. */
export function runDeno(
  args: readonly string[],
  options: RunOptions = {},
): Promise<number> {
  return run(Deno.execPath(), args, options);
}

/** Runs `deno` and keeps what it prints. */
export function captureDeno(
  args: readonly string[],
  options: RunOptions = {},
): Promise<Captured> {
  return capture(Deno.execPath(), args, options);
}

/**
 * Runs a program on this terminal, and returns its exit code. A signal to this
 * process goes on to the program, whose end is awaited.
 */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<number> {
  const child = new Deno.Command(command, {
    ...commandOptions(args, options),
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  using _ = forwardSignals(child);
  return (await child.status).code;
}

/** Runs a program and keeps what it prints. */
export async function capture(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Captured> {
  const output = await new Deno.Command(command, {
    ...commandOptions(args, options),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder();
  return {
    success: output.success,
    stdout: text.decode(output.stdout),
    stderr: text.decode(output.stderr),
  };
}

/** Whether a program is installed. */
export async function isInstalled(command: string): Promise<boolean> {
  try {
    await capture(command, ["--version"]);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Says something that is no result. */
export function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

function commandOptions(
  args: readonly string[],
  { env = {}, cwd, signal }: RunOptions,
): Deno.CommandOptions {
  return {
    args: [...args],
    env: { DENO_NO_UPDATE_CHECK: "1", ...env },
    ...(cwd === undefined ? {} : { cwd }),
    ...(signal === undefined ? {} : { signal }),
  };
}

function forwardSignals(child: Deno.ChildProcess): Disposable {
  // A terminal sends Ctrl-C to the child too: a second one would be one too many.
  const onInterrupt = () => {
    if (!Deno.stdin.isTerminal()) send(child, "SIGINT");
  };
  const onTerminate = () => send(child, "SIGTERM");
  Deno.addSignalListener("SIGINT", onInterrupt);
  Deno.addSignalListener("SIGTERM", onTerminate);
  return {
    [Symbol.dispose]() {
      Deno.removeSignalListener("SIGINT", onInterrupt);
      Deno.removeSignalListener("SIGTERM", onTerminate);
    },
  };
}

function send(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended already
  }
}
