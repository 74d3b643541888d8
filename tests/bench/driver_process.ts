/**
 * A producer that lives through the whole run, so that no start of an
 * interpreter is measured. It takes commands as lines of JSON on stdin,
 * `{"op": "one_by_one", "n": 1000}`, and answers each with a line of JSON on
 * stdout, `{"value": …}` or `{"error": "…"}`; it times its own work.
 */

import { Child, type Program } from "./children.ts";

type Operation = Readonly<Record<string, unknown>>;

const encoder = new TextEncoder();

/** One producer, begun anew if it has been killed. */
export class DriverProcess implements AsyncDisposable {
  readonly #program: Program;
  #running: Running | undefined;

  /** Starts it. */
  constructor(program: Program) {
    this.#program = program;
    this.#running = new Running(program);
  }

  /** Carries out an operation; kills the producer if that takes too long. */
  async call<T>(
    op: string,
    options: Operation = {},
    timeoutMs = 60_000,
  ): Promise<T> {
    this.#running ??= new Running(this.#program);
    const answer = await this.#running.ask({ op, ...options }, timeoutMs);
    if (answer === undefined) {
      await this[Symbol.asyncDispose]();
      throw new Error(
        `Cannot run ${op}: the producer has ended, or was killed after ${timeoutMs} ms`,
      );
    }
    const { value, error } = JSON.parse(answer) as {
      value?: T;
      error?: string;
    };
    if (error !== undefined) throw new Error(`Cannot run ${op}: ${error}`);
    return value as T;
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running?.close();
    this.#running = undefined;
  }
}

/** The process of a producer. */
class Running {
  readonly #child: Child;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";

  constructor(program: Program) {
    this.#child = new Child(program, {
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    });
    this.#writer = this.#child.process.stdin.getWriter();
    this.#lines = this.#child.process.stdout
      .pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Sends a command and gives the line of its answer; `undefined` if it ends before. */
  async ask(
    command: Operation,
    timeoutMs: number,
  ): Promise<string | undefined> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), timeoutMs);
    const line = encoder.encode(`${JSON.stringify(command)}\n`);
    try {
      // A write that fails means that it has ended, which reading shows as well.
      const [answer] = await Promise.all([
        this.#line(),
        Promise.allSettled([this.#writer.write(line)]),
      ]);
      return answer;
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
    await this.#lines.cancel();
    // Its end may have broken the pipe already, which says nothing new.
    await Promise.allSettled([this.#writer.abort()]);
  }

  async #line(): Promise<string | undefined> {
    let end = this.#rest.indexOf("\n");
    while (end < 0) {
      const { value, done } = await this.#lines.read();
      if (done) return undefined;
      this.#rest += value;
      end = this.#rest.indexOf("\n");
    }
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return line;
  }
}
