/**
 * What a command prints: lines, columns and JSON on stdout; a progress bar and questions on stderr.
 *
 * @module
 */

import { unicodeWidth } from "@std/cli/unicode-width";
import { printable, printableJson } from "../base/printable.ts";
import { pause } from "../base/timers.ts";

/** Colours and the like, and their codes (SGR). */
const STYLES = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
} as const;

/** How text looks on a terminal. */
export type Style = keyof typeof STYLES;

/** Text with a style. */
export interface Styled {
  readonly style: Style;
  readonly text: string;
}

/** A piece of a line. */
export type Piece = string | Styled;

/** Text with a style, which is seen on a terminal only. */
export function styled(style: Style, text: string): Styled {
  return { style, text };
}

/** Nobody reads what the program prints any more, as with `| head`: there is nothing left to do. */
class ReaderGoneError extends Error {
  override readonly name = "ReaderGoneError";
}

/** The output cannot be written, as on a disk that is full. */
class CannotWriteError extends Error {
  override readonly name = "CannotWriteError";
}

/** Where an {@linkcode Output} writes to, such as `Deno.stdout`. */
export interface OutputStream {
  /** Writes some of the bytes and returns how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Whether somebody sees it. */
  isTerminal(): boolean;
}

/** The most characters of a progress bar. */
const BAR = 30;
/** Milliseconds between two looks of a progress bar. */
const BAR_MS = 100;
/** Milliseconds until a stream that is full and does not block is tried again. */
const BUSY_MS = 10;

/** A progress bar. */
export interface Progress {
  /** Shows how much is done, of how much, if that is known. */
  update(done: number, total?: number): void;
  /** Removes it. */
  end(): Promise<void>;
}

/**
 * What a command prints. It waits until all is written, however slow the reader is, unlike a worker's log. Whatever may
 * come from Redis can be passed as it is: a line stays one line, and nothing in it is a command to the terminal.
 */
export class Output {
  readonly #stream: OutputStream;
  readonly #askStream: OutputStream;
  readonly #hasColor: boolean;

  /** Writes nothing yet. */
  constructor(
    stream: OutputStream = Deno.stdout,
    askStream: OutputStream = Deno.stderr,
  ) {
    this.#stream = stream;
    this.#askStream = askStream;
    this.#hasColor = stream.isTerminal() && !Deno.noColor;
  }

  /** Whether it is seen on a terminal. */
  get isTerminal(): boolean {
    return this.#stream.isTerminal();
  }

  /** How many characters a line of the terminal has; 80 elsewhere. */
  get width(): number {
    return this.isTerminal ? sizeOf().columns : 80;
  }

  /** How many lines the terminal has; 24 elsewhere. */
  get height(): number {
    return this.isTerminal ? sizeOf().rows : 24;
  }

  /** Prints a line. */
  async line(...pieces: readonly Piece[]): Promise<void> {
    await this.#write(`${this.text(...pieces)}\n`);
  }

  /** Prints a text of several lines, such as a stack. */
  async lines(text: string): Promise<void> {
    const lines = text.split(/\r?\n/).map((line) => `${printable(line)}\n`);
    await this.#write(lines.join(""));
  }

  /** Prints rows in columns, the first of which may be a header. */
  async table(rows: readonly (readonly Piece[])[]): Promise<void> {
    const widths: number[] = [];
    for (const row of rows) {
      for (const [i, piece] of row.entries()) {
        widths[i] = Math.max(widths[i] ?? 0, widthOf(piece));
      }
    }
    const lines = rows.map((row) => this.#row(row, widths));
    await this.#write(lines.join(""));
  }

  /** Prints a value as JSON in one line. Integers beyond a number's precision stay what they are. */
  async json(value: unknown): Promise<void> {
    await this.#write(`${printableJson(value)}\n`);
  }

  /** The pieces as they are printed. */
  text(...pieces: readonly Piece[]): string {
    return pieces.map((piece) => this.#styled(piece)).join("");
  }

  /** Writes what {@linkcode Output.text} has made, and codes of the terminal. */
  async raw(text: string): Promise<void> {
    await this.#write(text);
  }

  /** Asks for a line; `undefined` if nobody can be asked. */
  async ask(question: string): Promise<string | undefined> {
    if (!Deno.stdin.isTerminal() || !this.#askStream.isTerminal()) return;
    await writeAll(this.#askStream, `${printable(question)} `);
    const answer = new Uint8Array(1_000);
    const read = await Deno.stdin.read(answer) ?? 0;
    return new TextDecoder().decode(answer.subarray(0, read)).trim();
  }

  /** Shows how far something has come, if somebody is watching. */
  progress(label: string): Progress {
    if (!this.#askStream.isTerminal()) {
      return { update() {}, end: () => Promise.resolve() };
    }
    return new ProgressBar(label, this.#askStream);
  }

  #row(row: readonly Piece[], widths: readonly number[]): string {
    const cells = row.map((piece, i) => {
      const isLast = i === row.length - 1;
      const gap = isLast ? 0 : widths[i]! - widthOf(piece);
      return this.#styled(piece) + " ".repeat(gap);
    });
    return `${cells.join("  ").trimEnd()}\n`;
  }

  #styled(piece: Piece): string {
    if (typeof piece === "string") return printable(piece);
    const text = printable(piece.text);
    if (!this.#hasColor) return text;
    return `\x1b[${STYLES[piece.style]}m${text}\x1b[0m`;
  }

  async #write(text: string): Promise<void> {
    await writeAll(this.#stream, text);
  }
}

class ProgressBar implements Progress {
  readonly #label: string;
  readonly #stream: OutputStream;
  #shownAt = -Infinity;
  #writing: Promise<void> = Promise.resolve();

  constructor(label: string, stream: OutputStream) {
    this.#label = label;
    this.#stream = stream;
  }

  update(done: number, total?: number): void {
    const now = performance.now();
    if (now - this.#shownAt < BAR_MS) return;
    this.#shownAt = now;
    const share = total ? Math.min(1, done / total) : 0;
    const filled = "█".repeat(Math.floor(share * BAR)).padEnd(BAR);
    const amount = total
      ? `[${filled}] ${Math.floor(share * 100)}% ${done} of ${total}`
      : `${done}`;
    this.#show(`\r\x1b[K${printable(this.#label)} ${amount}`);
  }

  async end(): Promise<void> {
    if (this.#shownAt > -Infinity) this.#show("\r\x1b[K");
    await this.#writing;
  }

  #show(text: string): void {
    this.#writing = this.#writing.then(() => writeAll(this.#stream, text));
  }
}

async function writeAll(stream: OutputStream, text: string): Promise<void> {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(await stream.write(bytes));
    } catch (cause) {
      if (cause instanceof Deno.errors.BrokenPipe) {
        throw new ReaderGoneError("Nobody reads the output", { cause });
      }
      if (!(cause instanceof Deno.errors.WouldBlock)) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new CannotWriteError(`Cannot write the output: ${why}`, {
          cause,
        });
      }
      await pause(BUSY_MS);
    }
  }
}

function sizeOf(): { readonly columns: number; readonly rows: number } {
  try {
    const { columns, rows } = Deno.consoleSize();
    if (columns > 0 && rows > 0) return { columns, rows };
  } catch {
    // stdin and stderr are no terminal
  }
  return { columns: 80, rows: 24 };
}

/** How many columns a piece takes on a terminal: letters of East Asia take two. */
export function widthOf(piece: Piece): number {
  return unicodeWidth(
    printable(typeof piece === "string" ? piece : piece.text),
  );
}
