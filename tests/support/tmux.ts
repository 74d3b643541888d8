/** Programs on a terminal, by tmux. */

import { childrenOf } from "./proc.ts";
import { waitFor } from "./wait_for.ts";

/** Why tests on a terminal are skipped; `undefined` if there is a tmux. */
export const NO_TMUX: string | undefined = isInstalled("tmux")
  ? undefined
  : "there is no tmux";

/** Whether a program can be started. */
export function isInstalled(program: string): boolean {
  try {
    return new Deno.Command("sh", { args: ["-c", `command -v ${program}`] })
      .outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A terminal of 100 columns and 30 lines, in which a program runs. */
export class Terminal implements AsyncDisposable {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  /** Starts a program in one. It stays when the program has ended, with what it has printed. */
  static async start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Terminal> {
    const terminal = new Terminal(
      `${await Deno.makeTempDir({ prefix: "rq-tmux-" })}/socket`,
    );
    const variables = Object.entries({ TERM: "xterm-256color", ...env });
    await terminal.#tmux(
      ...["-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30"],
      ...variables.flatMap(([name, value]) => ["-e", `${name}=${value}`]),
      ...[...args, ";", "set", "remain-on-exit", "on"],
    );
    return terminal;
  }

  /** Types text, or presses a key such as `Enter`, `Tab`, `C-c`. */
  async type(...keys: string[]): Promise<void> {
    await this.#tmux("send-keys", ...keys);
  }

  /** Sends a signal to what the shell of the terminal has started. */
  async signal(signal: Deno.Signal): Promise<void> {
    const shell = await this.#tmux("display-message", "-p", "#{pane_pid}");
    for (const pid of childrenOf(Number(shell))) Deno.kill(pid, signal);
  }

  /** Changes its size. */
  async resize(columns: number, lines: number): Promise<void> {
    await this.#tmux("resize-window", "-x", `${columns}`, "-y", `${lines}`);
  }

  /** What is seen. */
  async screen(): Promise<string> {
    return await this.#tmux("capture-pane", "-p");
  }

  /** Waits until what is seen matches. */
  async shows(pattern: RegExp): Promise<string> {
    let seen = "";
    await waitFor(async () => pattern.test(seen = await this.screen()), {
      message: () => `the terminal to show ${pattern}; it shows\n${seen}`,
    });
    return seen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux("kill-server");
    await Deno.remove(this.#socket.slice(0, -"/socket".length), {
      recursive: true,
    });
  }

  async #tmux(...args: string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command("tmux", {
      args: ["-S", this.#socket, ...args],
    }).output();
    const decoder = new TextDecoder();
    if (!success) throw new Error(`tmux: ${decoder.decode(stderr)}`);
    return decoder.decode(stdout);
  }
}
