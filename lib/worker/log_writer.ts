/**
 * Stores the log of one execution: what the job has logged, and what it prints where that is to be kept. Loaded when a
 * job has something to log.
 *
 * @module
 */

import { resolvesWithin } from "../base/timers.ts";
import { LINE_BYTES } from "../store/lua/job_logs.ts";
import { addLog, type LogSource, type NewLine } from "../store/log_lines.ts";
import type { WorkerStore } from "../store/worker_store.ts";
import type { Execution } from "../store/worker_types.ts";

/** How many bytes of a job's log are kept if nobody says. */
export const DEFAULT_LOG_BYTES: number = 64 * 1024;

/** How long lines wait for others, in milliseconds. */
const GATHER_MS = 100;

/** The most lines of one call, and about the most bytes, so that it takes Redis less than 2 ms. */
const [MOST_LINES, MOST_BYTES] = [500, 64 * 1024];

/** Longer lines are cut into several. */
const LINE_LENGTH = 8 * 1024;

/** How long the end of a job waits until its last lines are stored, in milliseconds. */
const FINISH_MS = 5_000;

/** The options of a {@linkcode LogWriter}. */
export interface LogWriterOptions {
  readonly store: WorkerStore;
  readonly execution: Execution;
  /** How many bytes of the log are kept: its end. */
  readonly most: number;
  /** Called once if lines cannot be stored. */
  readonly onError: (error: unknown) => void;
}

/**
 * Gathers lines and stores them. It never holds up the job: what is too much for the log is dropped here already, from
 * the beginning, as Redis would.
 */
export class LogWriter {
  readonly #options: LogWriterOptions;
  readonly #printed = {
    stdout: new LineSplitter(),
    stderr: new LineSplitter(),
  };
  #lines: NewLine[] = [];
  #bytes = 0;
  #dropped = 0;
  #calls = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending: Promise<void> | undefined;
  #isLost = false;
  #hasFailed = false;

  /** Stores nothing yet. */
  constructor(options: LogWriterOptions) {
    this.#options = options;
  }

  /** Whether there was a line. */
  get hasLines(): boolean {
    return this.#calls > 0 || this.#lines.length > 0;
  }

  /** Adds what the job logs, line by line. */
  log(text: string): void {
    const splitter = new LineSplitter();
    this.#add("log", [...splitter.add(text), ...splitter.end()]);
  }

  /** Adds what the job prints; the bytes are not used later. */
  printed(source: "stdout" | "stderr", bytes: Uint8Array): void {
    this.#add(source, this.#printed[source].decode(bytes));
  }

  /** Stores what is left, at the end of the execution. */
  async finish(): Promise<void> {
    for (const source of ["stdout", "stderr"] as const) {
      this.#add(source, this.#printed[source].end());
    }
    clearTimeout(this.#timer);
    await resolvesWithin(this.#send(), FINISH_MS);
  }

  #add(source: LogSource, texts: readonly string[]): void {
    if (this.#isLost || texts.length === 0) return;
    for (const text of texts) {
      this.#lines.push([source, text]);
      this.#bytes += sizeOf(text);
    }
    this.#dropFirst();
    this.#sendSoon();
  }

  /** All at once: to take the first line off a long list moves all others. */
  #dropFirst(): void {
    let count = 0;
    while (
      this.#bytes > this.#options.most && count < this.#lines.length - 1
    ) this.#bytes -= sizeOf(this.#lines[count++]![1]);
    this.#lines.splice(0, count);
    this.#dropped += count;
  }

  #sendSoon(): void {
    if (this.#timer !== undefined || this.#sending !== undefined) return;
    this.#timer = setTimeout(() => void this.#send(), GATHER_MS);
  }

  /** Sends until nothing is left. Never rejects. */
  #send(): Promise<void> {
    this.#timer = undefined;
    return this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
      // Lines may have come since the last one was taken.
      if (this.#lines.length > 0 && !this.#isLost) this.#sendSoon();
    });
  }

  async #sendAll(): Promise<void> {
    const { store, execution, most, onError } = this.#options;
    while (this.#lines.length > 0 && !this.#isLost) {
      const lines = this.#take();
      const [call, dropped] = [++this.#calls, this.#dropped];
      this.#dropped = 0;
      try {
        const addition = { call, most, dropped, lines };
        this.#isLost = !await addLog(store, execution, addition);
      } catch (error) {
        this.#dropped += dropped + lines.length;
        if (!this.#hasFailed) onError(error);
        this.#hasFailed = true;
      }
    }
  }

  #take(): NewLine[] {
    let [count, bytes] = [0, 0];
    while (
      count < Math.min(this.#lines.length, MOST_LINES) && bytes < MOST_BYTES
    ) bytes += sizeOf(this.#lines[count++]![1]);
    this.#bytes -= bytes;
    return this.#lines.splice(0, count);
  }
}

/** What a line takes, about: an empty one something as well. */
function sizeOf(text: string): number {
  return text.length + LINE_BYTES;
}

/** Cuts a stream of bytes into lines. */
class LineSplitter {
  readonly #decoder = new TextDecoder();
  #rest = "";

  /** The lines that end in these bytes. */
  decode(bytes: Uint8Array): string[] {
    return this.add(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The lines that end in this text. */
  add(text: string): string[] {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    const pieces = lines.flatMap(piecesOf);
    while (this.#rest.length > LINE_LENGTH) {
      pieces.push(this.#rest.slice(0, LINE_LENGTH));
      this.#rest = this.#rest.slice(LINE_LENGTH);
    }
    return pieces;
  }

  /** What is left behind the last line break. */
  end(): string[] {
    const rest = this.#rest + this.#decoder.decode();
    this.#rest = "";
    return rest === "" ? [] : piecesOf(rest);
  }
}

/** A line, without the `\r` of one that Windows' programs write, in pieces that are not too long. */
function piecesOf(line: string): string[] {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line;
  if (text.length <= LINE_LENGTH) return [text];
  const count = Math.ceil(text.length / LINE_LENGTH);
  return Array.from(
    { length: count },
    (_, i) => text.slice(i * LINE_LENGTH, (i + 1) * LINE_LENGTH),
  );
}
