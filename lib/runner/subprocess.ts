/**
 * One subprocess: its start, its pipes, and its end with all that it started.
 *
 * @module
 */

import { stripColors } from "./describe_error.ts";
import { type MessageKind, TOKEN_SIZE } from "./frames.ts";
import { OutputPump } from "./output_pump.ts";
import { inOwnGroup } from "./own_group.ts";
import { type ControlMessage, encodeMessage } from "./protocol.ts";
import type { OutputSink } from "./runner.ts";

/** How a subprocess is started. */
export interface SubprocessOptions {
  /** The program. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Where what it prints goes. */
  readonly sink: OutputSink;
}

/** Takes a message of a subprocess. */
export type MessageHandler = (kind: MessageKind, payload: Uint8Array) => void;

/** How much of the end of stderr is kept, in bytes. */
const TAIL_SIZE = 8 * 1024;

/** A running subprocess. */
export class Subprocess {
  /** Its process id, and the id of its process group. */
  readonly pid: number;
  /** Resolves when the process itself has ended, and has been reaped. */
  readonly exited: Promise<Deno.CommandStatus>;
  /** Resolves to true once it waits for its job, to false if it ended before. */
  readonly ready: Promise<boolean>;
  /** Takes the messages; set before the job is sent. */
  onMessage: MessageHandler | undefined;
  /** Set once the process has ended. */
  status: Deno.CommandStatus | undefined;

  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #encoder = new TextEncoder();
  readonly #stdout: OutputPump;
  readonly #stderr: OutputPump;
  readonly #isReady = Promise.withResolvers<boolean>();
  #stderrEnd = Promise.withResolvers<void>();
  #jobs = 0;
  #tail: Uint8Array = new Uint8Array();
  #closing: Promise<void> | undefined;

  /**
   * Starts a subprocess, in a process group of its own.
   *
   * @throws {Deno.errors.NotFound} if there is no such program
   */
  constructor(options: SubprocessOptions) {
    const start = inOwnGroup(options.command, options.args);
    this.#process = new Deno.Command(start.command, {
      ...start.options,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = this.#process.pid;
    this.#writer = this.#process.stdin.getWriter();
    const token = crypto.getRandomValues(new Uint8Array(TOKEN_SIZE));
    const onMessage: MessageHandler = (kind, payload) =>
      this.#handle(kind, payload);
    this.#stdout = new OutputPump(this.#process.stdout, {
      token,
      onMessage,
      onOutput: guarded((bytes) => options.sink.stdout(bytes)),
    });
    const stderr = guarded((bytes) => options.sink.stderr(bytes));
    this.#stderr = new OutputPump(this.#process.stderr, {
      token,
      onMessage,
      onOutput: (bytes) => {
        this.#keepTail(bytes);
        return stderr(bytes);
      },
    });
    this.exited = this.#awaitExit();
    this.ready = this.#isReady.promise;
    void this.send({ type: "hello", token: token.toHex() });
  }

  /** Sends one message. One that has ended does not hear it, which its status tells. */
  async send(message: ControlMessage): Promise<void> {
    await this.sendLine(encodeMessage(message));
  }

  /** How many jobs it has been given. */
  get jobs(): number {
    return this.#jobs;
  }

  /** Counts a further job, of whose output nothing has been seen yet. */
  begin(): void {
    this.#jobs++;
    this.#stderrEnd = Promise.withResolvers();
    this.#tail = new Uint8Array();
  }

  /** Sends one message that is encoded already. */
  async sendLine(line: string): Promise<void> {
    try {
      await this.#writer.write(this.#encoder.encode(line));
    } catch (error) {
      if (this.#closing === undefined && !isGone(error)) throw error;
    }
  }

  /**
   * Sends a signal to the subprocess and all that it started and left in its
   * group; to itself alone where there are no groups, or where this process has
   * the permission to run some programs only, which is none to signal a group.
   */
  kill(signal: Deno.Signal): void {
    try {
      if (Deno.build.os === "windows") this.#killAlone(signal);
      else Deno.kill(-this.pid, signal);
    } catch (error) {
      // There is no group either in the moment before it leads one.
      if (
        error instanceof Deno.errors.NotCapable ||
        error instanceof Deno.errors.PermissionDenied || isGone(error)
      ) {
        this.#killAlone(signal);
      } else throw error;
    }
  }

  /** Waits until all that was printed before the answer has been passed on. */
  async drainAnswered(): Promise<void> {
    await this.#stderr.drain(this.#stderrEnd.promise);
  }

  /** Waits until all that a subprocess that has ended printed has been passed on. */
  async drain(): Promise<void> {
    await Promise.all([this.#stdout.drain(), this.#stderr.drain()]);
  }

  /** The last that it printed on stderr, as plain text. */
  stderrTail(): string {
    return stripColors(new TextDecoder().decode(this.#tail)).trim();
  }

  /** Kills the whole group, reaps the subprocess and frees its pipes. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  #killAlone(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  async #close(): Promise<void> {
    this.kill("SIGKILL");
    await this.exited;
    await Promise.all([
      this.#stdout.close(),
      this.#stderr.close(),
      this.#writer.abort().catch(() => undefined),
    ]);
  }

  async #awaitExit(): Promise<Deno.CommandStatus> {
    const status = await this.#process.status;
    this.status = status;
    this.#isReady.resolve(false);
    return status;
  }

  #handle(kind: MessageKind, payload: Uint8Array): void {
    if (kind === "ready") this.#isReady.resolve(true);
    else if (kind === "end") this.#stderrEnd.resolve();
    else this.onMessage?.(kind, payload);
  }

  #keepTail(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#tail.length + bytes.length);
    joined.set(this.#tail);
    joined.set(bytes, this.#tail.length);
    this.#tail = joined.slice(-TAIL_SIZE);
  }
}

/** A sink that has broken, such as a closed pipe, must not fail the jobs: their output is dropped. */
function guarded(
  write: (bytes: Uint8Array) => Promise<void>,
): (bytes: Uint8Array) => Promise<void> {
  let broken = false;
  return async (bytes) => {
    if (broken) return;
    try {
      await write(bytes);
    } catch {
      broken = true;
    }
  };
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.BadResource || error instanceof TypeError;
}
