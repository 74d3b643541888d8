/** Waiting, processes, and Python code that runs in one of them. */

import { ROOT } from "../support/paths.ts";
import { childrenOf } from "../support/proc.ts";
import { type Truthy, waitFor as waitForTruthy } from "../support/wait_for.ts";

/** Where the Python side of the tests is. */
export const PYTHON_DIR: string = `${ROOT}/tests/interop/python`;

/** How long a condition may take to become true, in milliseconds. */
export const DEADLINE: number = 60_000;

/** Waits until a condition is truthy; gives what it gave. */
export function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  timeout: number = DEADLINE,
): Promise<Truthy<T>> {
  return waitForTruthy(condition, { timeout, interval: 25, message: what });
}

/** A process whose output is kept. */
export class Program implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #output: Promise<unknown>;
  #runs = true;
  /** All that it has written so far. */
  output = "";

  constructor(command: string, options: Deno.CommandOptions) {
    this.#process = new Deno.Command(command, {
      stdin: "null",
      ...options,
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#process.status.finally(() => this.#runs = false);
    const { stdout, stderr } = this.#process;
    this.#output = Promise.all([this.#keep(stdout), this.#keep(stderr)]);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Whether it has not ended. */
  get runs(): boolean {
    return this.#runs;
  }

  async #keep(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      this.output += decoder.decode(chunk, { stream: true });
    }
  }

  /** Waits until a text has been written. */
  async said(text: string): Promise<void> {
    try {
      await waitFor(`"${text}"`, () => this.output.includes(text));
    } catch (error) {
      throw new Error(`${error}; the program wrote:\n${this.output}`);
    }
  }

  /** Waits for the end; gives the exit code. */
  async ended(deadline: number = DEADLINE): Promise<number> {
    const timer = setTimeout(() => this.kill(), deadline);
    const { code } = await this.#process.status;
    clearTimeout(timer);
    await this.#output;
    return code;
  }

  /** Sends a signal; a process that has ended is left alone. */
  kill(signal: Deno.Signal = "SIGKILL"): void {
    try {
      this.#process.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** SIGKILL, for its child processes too: `rq worker` runs jobs in one that outlives it. */
  async killTree(): Promise<void> {
    const children = this.#runs ? childrenOf(this.pid) : [];
    this.kill("SIGKILL");
    await this.#process.status;
    for (const pid of children) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    await this.#output;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.killTree();
  }
}

/** Code that runs in one Python process, see `python/bridge.py`. */
export class Bridge implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #errors: Promise<string>;
  #rest = "";
  #last: Promise<unknown> = Promise.resolve();

  constructor(python: string, url: string) {
    this.#process = new Deno.Command(python, {
      args: [`${PYTHON_DIR}/bridge.py`, url],
      cwd: PYTHON_DIR,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    this.#lines = this.#process.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    this.#errors = new Response(this.#process.stderr).text();
  }

  /** Runs one piece of code after the other: two readers of one pipe would take each other's lines. */
  run<T>(code: string, args: Record<string, unknown>): Promise<T> {
    const answer = this.#last.then(() => this.#run<T>(code, args));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #run<T>(code: string, args: Record<string, unknown>): Promise<T> {
    const line = JSON.stringify({ code: dedent(code), args });
    await this.#writer.write(new TextEncoder().encode(`${line}\n`));
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error(`Python ended: ${await this.#errors}`);
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const answer = JSON.parse(this.#rest.slice(0, end));
    this.#rest = this.#rest.slice(end + 1);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.out as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#process.status;
    await this.#lines.cancel();
    await this.#errors;
  }
}

/** Takes the indentation of the first line off all lines, which Python needs. */
function dedent(code: string): string {
  const lines = code.replace(/^\s*\n/, "").split("\n");
  const indent = /^ */.exec(lines[0]!)![0].length;
  return lines.map((line) => line.slice(Math.min(indent, line.search(/\S|$/))))
    .join("\n");
}
