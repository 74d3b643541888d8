/**
 * One subprocess: its start, its pipes, and its end together with everything it started.
 *
 * @module
 */

import { Alarms } from "../base/alarms.ts";
import { readLine, refuseMessage } from "./child_messages.ts";
import { TOKEN_SIZE } from "./frames.ts";
import type { MemoryState } from "./outcomes.ts";
import { type MessageHandler, OutputPump } from "./output_pump.ts";
import { guarded, OutputTail } from "./output_tail.ts";
import { MARK_PREFIX } from "./orphans.ts";
import { inOwnGroup } from "./own_group.ts";
import { type ProcessUsage, usageOf } from "./process_table.ts";
import { type ControlMessage, encodeMessage } from "./protocol.ts";
import type { JobHost } from "./runner.ts";
import type { SubprocessOptions } from "./subprocess_options.ts";

/** How many ids of past jobs are remembered. */
const KNOWN_JOBS = 1_000;

/**
 * After so many jobs without output on stderr, the next ones are not asked for a mark there, which saves a write and
 * a read for each. If one does print something, that may be passed on a moment after its end has been reported.
 */
const QUIET_JOBS = 20;

/** A running subprocess. */
export class Subprocess {
  /** Its process id, and the id of its process group. */
  readonly pid: number;
  /** Marks everything that it starts, whatever its group; see `orphans.ts`. */
  readonly mark: string = crypto.randomUUID().replaceAll("-", "");
  /** Resolves when the process itself has ended and been reaped. */
  readonly exited: Promise<Deno.CommandStatus>;
  /** Resolves to `true` once it waits for jobs, to `false` if it ends before. */
  readonly ready: Promise<boolean>;
  /** Handles its messages. Set it before sending a job. */
  onMessage: MessageHandler | undefined;
  /** Takes its output, too; the bytes are valid until it returns. */
  onPrinted: JobHost["printed"];
  /** Called once the process has ended. */
  onExit: (() => void) | undefined;
  /** Resolves when it has been closed: its group has been killed, and it has been reaped. */
  readonly closed: Promise<void>;
  /** The timers of the jobs that it runs. */
  readonly alarms: Alarms = new Alarms();
  /** The exit status, once the process has ended. */
  status: Deno.CommandStatus | undefined;

  readonly #options: SubprocessOptions;
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #encoder = new TextEncoder();
  readonly #stdout: OutputPump;
  readonly #stderr: OutputPump;
  readonly #isReady = Promise.withResolvers<boolean>();
  #stderrEnd = 0;
  #drains: { readonly mark: number; readonly resolve: () => void }[] = [];
  #outbox: string[] = [];
  #jobs = 0;
  #quietSince = 0;
  #isFull = false;
  #isUnfit = false;
  #isSpoiled = false;
  #fault: string | undefined;
  /** The ids of the last jobs, by the numbers of their runs. */
  readonly #jobIds = new Map<number, string>();
  readonly #tail = new OutputTail();
  #waits = false;
  #hasExceededMemory = false;
  #usage: ProcessUsage | undefined;
  readonly #isClosed = Promise.withResolvers<void>();
  #closing: Promise<void> | undefined;

  /**
   * Starts a subprocess in its own process group.
   *
   * @throws {Deno.errors.NotFound} If there is no such program.
   */
  constructor(options: SubprocessOptions) {
    const start = inOwnGroup(options.command, options.args, {
      moveStdin: options.controlApart ?? false,
    });
    this.#process = new Deno.Command(start.command, {
      ...start.options,
      env: { ...options.env, [MARK_PREFIX + this.mark]: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = this.#process.pid;
    this.#writer = this.#process.stdin.getWriter();
    const token = crypto.getRandomValues(new Uint8Array(TOKEN_SIZE));
    const stdout = guarded((bytes) => options.sink.stdout(bytes));
    this.#stdout = new OutputPump(this.#process.stdout, {
      token,
      onMessage: (...message) => this.#handle(...message),
      onOutput: (bytes) => {
        this.onPrinted?.("stdout", bytes);
        return stdout(bytes);
      },
      onBroken: (error) => this.#break(error),
    });
    const stderr = guarded((bytes) => options.sink.stderr(bytes));
    this.#stderr = new OutputPump(this.#process.stderr, {
      token,
      onMessage: (...message) => {
        if (message[0] === "end") this.#endStderr(message[1]);
        else this.#handle(...message);
      },
      onOutput: (bytes) => {
        this.#quietSince = this.#jobs;
        this.#tail.add(bytes);
        this.onPrinted?.("stderr", bytes);
        return stderr(bytes);
      },
      onBroken: (error) => this.#break(error),
    });
    this.exited = this.#awaitExit();
    this.ready = this.#isReady.promise;
    this.closed = this.#isClosed.promise;
    this.#options = options;
    const { isolation = "process", memoryLimit, hooks } = options;
    void this.send({
      type: "hello",
      token: token.toHex(),
      isolation,
      ...(memoryLimit === undefined ? {} : { memoryLimit }),
      ...(hooks === undefined ? {} : { hooks }),
    });
    if (options.preload !== undefined) {
      void this.send({ type: "preload", url: options.preload });
    }
  }

  /** Sends a message. Does not throw if the process has ended; see {@linkcode Subprocess.status}. */
  async send(message: ControlMessage): Promise<void> {
    await this.sendLine(encodeMessage(message));
  }

  /** Whether it is alive and ready for a job. */
  get waits(): boolean {
    return this.#waits && this.status === undefined;
  }

  /** How many jobs it has been given. */
  get jobs(): number {
    return this.#jobs;
  }

  /** Whether the last jobs have printed nothing on stderr. */
  get isQuiet(): boolean {
    return this.#jobs - this.#quietSince > QUIET_JOBS;
  }

  /** Whether it has reported that it exceeds its memory limit. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Whether an ended job has caused an unhandled error, so that it takes no more jobs. */
  get isSpoiled(): boolean {
    return this.#isSpoiled;
  }

  /** What was wrong with the invalid message for which it was killed. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Whether it failed to load a module ahead of time, so that it cannot run jobs of that module. */
  get isUnfit(): boolean {
    return this.#isUnfit;
  }

  /** The state of its memory, if that is limited. */
  get memory(): MemoryState | undefined {
    const limit = this.#options.jobMemory;
    const isExceeded = this.#hasExceededMemory;
    return limit === undefined ? undefined : { limit, isExceeded };
  }

  /** What it has used when that was measured last; nothing if it has served several jobs, which cannot be told apart. */
  get usage(): ProcessUsage | undefined {
    return this.#jobs === 1 ? this.#usage : undefined;
  }

  /** Measures what it has used. */
  measure(): void {
    if (this.#jobs !== 1 || this.status !== undefined) return;
    this.#usage = usageOf(this.pid) ?? this.#usage;
  }

  /** Kills it, since it exceeds its memory limit. */
  exceedMemory(): void {
    this.measure();
    this.#hasExceededMemory = true;
    this.kill("SIGKILL");
  }

  /**
   * Registers another job, and returns the number of its run.
   *
   * @param beside Whether other jobs are running, from whose output its own cannot be told.
   */
  begin(jobId: string, beside: boolean): number {
    if (!beside) this.#tail.clear();
    const run = ++this.#jobs;
    this.#jobIds.set(run, jobId);
    this.#jobIds.delete(run - KNOWN_JOBS);
    return run;
  }

  /** Sends a message that is encoded already. The messages of one turn go in one write. */
  async sendLine(line: string): Promise<void> {
    this.#outbox.push(line);
    if (this.#outbox.length > 1) return;
    await undefined;
    const lines = this.#outbox.join("");
    this.#outbox = [];
    try {
      await this.#writer.write(this.#encoder.encode(lines));
    } catch {
      // It has closed the pipe. Usually it has ended; if not, it is useless.
      this.kill("SIGKILL");
    }
  }

  /**
   * Sends a signal to its process group; only to the process itself where there are no groups, or where this
   * process may run only some programs (Deno then refuses to signal a group).
   */
  kill(signal: Deno.Signal): void {
    try {
      if (Deno.build.os === "windows") this.#killAlone(signal);
      else Deno.kill(-this.pid, signal);
    } catch (error) {
      // There is no group yet in the moment before it becomes the leader of one.
      if (
        error instanceof Deno.errors.NotCapable ||
        error instanceof Deno.errors.PermissionDenied || isGone(error)
      ) {
        this.#killAlone(signal);
      } else throw error;
    }
  }

  /** Waits until all output before the mark has been passed on; `undefined` if it has been. */
  drainAnswered(mark: number): Promise<void> | undefined {
    return this.#stderrEnd >= mark ? undefined : this.#drainTo(mark);
  }

  async #drainTo(mark: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drains.push({ mark, resolve });
    await this.#stderr.drain(promise);
    this.#endStderr(Math.max(mark, this.#stderrEnd)); // the job may have closed stderr
  }

  /** Waits until all output of a subprocess that has ended has been passed on. */
  async drain(): Promise<void> {
    await Promise.all([this.#stdout.drain(), this.#stderr.drain()]);
  }

  /** The end of its output on stderr, as plain text. */
  stderrTail(): string {
    return this.#tail.text();
  }

  /** Kills the process group, reaps the subprocess and frees its pipes. */
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
    this.alarms[Symbol.dispose]();
    this.kill("SIGKILL");
    await this.exited;
    await Promise.all([
      this.#stdout.close(),
      this.#stderr.close(),
      this.#writer.abort().catch(() => undefined),
    ]);
    this.#isClosed.resolve();
  }

  async #awaitExit(): Promise<Deno.CommandStatus> {
    const status = await this.#process.status;
    this.status = status;
    this.#isReady.resolve(false);
    this.onExit?.();
    return status;
  }

  /** @throws {MessageError} If the message is not possible in this state. */
  #handle(...message: Parameters<MessageHandler>): void {
    const [kind, run, payload] = message;
    if (run > this.#jobs && kind !== "answered") {
      refuseMessage(kind, `there is no run ${run}`);
    }
    switch (kind) {
      case "ready":
        if (this.#waits) refuseMessage(kind, "it was ready before");
        this.#waits = true;
        this.#isReady.resolve(true);
        break;
      case "unloaded":
        this.#giveUpPreload();
        break;
      case "full":
        this.#isFull = true;
        break;
      case "late":
        this.#spoil(run, readLine(kind, payload));
        this.onMessage?.(...message);
        break;
      case "end":
        refuseMessage(kind, "it is not on stderr");
        break;
      default:
        if (this.onMessage === undefined) refuseMessage(kind, "it has no job");
        this.onMessage(...message);
    }
  }

  /** Handles `unloaded`, which is possible only before its first job has ended. */
  #giveUpPreload(): void {
    if (this.#options.preload === undefined || this.#jobs > 1) {
      refuseMessage("unloaded", "it was not to load anything");
    }
    this.#isUnfit = true;
    this.kill("SIGKILL");
  }

  #spoil(run: number, message: string): void {
    if (this.#isSpoiled) return;
    this.#isSpoiled = true;
    const jobId = this.#jobIds.get(run);
    this.#options.onLateError?.({ jobId, message });
  }

  #break(error: unknown): void {
    this.#fault ??= error instanceof Error ? error.message : String(error);
    this.kill("SIGKILL");
  }

  #endStderr(mark: number): void {
    if (mark < this.#stderrEnd) refuseMessage("end", "its mark is an old one");
    this.#stderrEnd = mark;
    const over = this.#drains.filter((drain) => drain.mark <= mark);
    if (over.length === 0) return;
    this.#drains = this.#drains.filter((drain) => drain.mark > mark);
    for (const { resolve } of over) resolve();
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.BadResource || error instanceof TypeError;
}
