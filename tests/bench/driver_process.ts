/**
 * A producer that lives through the whole run, so that no start of an
 * interpreter is measured. It takes commands as lines of JSON on stdin,
 * `{"op": "one_by_one", "n": 1000}`, and answers each with a line of JSON on
 * stdout, `{"value": …}` or `{"error": "…"}`; it times its own work.
 */

import { Child, type Program } from "./children.ts";

type Operation = Readonly<Record<string, unknown>>;

/** One producer. */
export class DriverProcess implements AsyncDisposable {
  readonly #child: Child;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";

  /** Starts it. */
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

  /** Carries out an operation; kills the producer if that takes too long. */
  async call<T>(
    op: string,
    options: Operation = {},
    timeoutMs = 60_000,
  ): Promise<T> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), timeoutMs);
    try {
      const command = JSON.stringify({ op, ...options });
      await this.#writer.write(new TextEncoder().encode(`${command}\n`));
      const answer = JSON.parse(await this.#line(op)) as {
        value?: T;
        error?: string;
      };
      if (answer.error !== undefined) {
        throw new Error(`Cannot run ${op}: ${answer.error}`);
      }
      return answer.value as T;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
    await this.#lines.cancel();
    // Its end may have broken the pipe already, which says nothing new.
    await Promise.allSettled([this.#writer.abort()]);
  }

  async #line(op: string): Promise<string> {
    let end = this.#rest.indexOf("\n");
    while (end < 0) {
      const { value, done } = await this.#lines.read();
      if (done) {
        throw new Error(`Cannot run ${op}: the producer has ended`);
      }
      this.#rest += value;
      end = this.#rest.indexOf("\n");
    }
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return line;
  }
}
