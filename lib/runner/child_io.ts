/**
 * The subprocess's ends of its pipes, captured before the job's module can touch them.
 *
 * @module
 */

import {
  bufferOfBytes,
  Bytes,
  decodeText,
  encodeText,
  indexOfByte,
  lengthOfBytes,
  offsetOfBytes,
} from "../base/primordials.ts";
import { decodeJson } from "../job/json.ts";
import {
  CONTROL_ARGUMENT,
  CONTROL_PATH,
  type ControlMessage,
  type HelloMessage,
} from "./protocol.ts";

// Captured at load: a job may replace any global.
const { stderr, stdin, stdout } = Deno;
const exit: (code: number) => never = Deno.exit;
const writeStdout = stdout.writeSync.bind(stdout);
const writeStderr = stderr.writeSync.bind(stderr);
const sleepCell = new Int32Array(new SharedArrayBuffer(4));
const sleepSync = Atomics.wait;
const turnCell = new Int32Array(new SharedArrayBuffer(4));
const { notify, waitAsync } = Atomics;
const { WouldBlock } = Deno.errors;
const encoder = new TextEncoder();

/** Exits at once, without a message. */
export function exitNow(code: number): never {
  return exit(code);
}

/**
 * Waits for one turn of the event loop, after which unhandled rejections so far have been reported.
 *
 * It uses `Atomics.waitAsync`, whose wake-up is a task of its own: 5 µs, even the first time. Rejected: a
 * timer and a `MessageChannel`, whose first use loads internal modules of Deno (2 to 5 ms); a read or
 * write, which ends on another thread, sometimes before the rejections have been reported.
 */
export async function nextTurn(): Promise<void> {
  const turned = waitAsync(turnCell, 0, 0);
  notify(turnCell, 0);
  await turned.value;
}

/** Prints a line on stderr, among what the job prints there. */
export function printError(text: string): void {
  const bytes = encodeText(encoder, `${text}\n`);
  writeFully(writeStderr, bufferOfBytes(bytes), 0, lengthOfBytes(bytes));
}

/** Writes the first bytes of a buffer to stdout, or to stderr if stdout is closed. */
export function writeAnswer(buffer: ArrayBuffer, length: number): void {
  try {
    writeFully(writeStdout, buffer, 0, length);
  } catch {
    // The job has closed stdout. The worker parses frames on both pipes.
    writeFully(writeStderr, buffer, 0, length);
  }
}

/** Writes the first bytes of a buffer to stderr, if it is open. */
export function writeEndMark(buffer: ArrayBuffer, length: number): void {
  try {
    writeFully(writeStderr, buffer, 0, length);
  } catch {
    return; // closed by the job, so there is no further output either
  }
}

function writeFully(
  write: (bytes: Uint8Array) => number,
  buffer: ArrayBuffer,
  from: number,
  to: number,
): void {
  while (from < to) {
    try {
      from += write(new Bytes(buffer, from, to - from));
    } catch (error) {
      // A grandchild may have made the shared pipe non-blocking.
      if (!(error instanceof WouldBlock)) throw error;
      sleepSync(sleepCell, 0, 0, 1);
    }
  }
}

const STREAM = { __proto__: null, stream: true } as TextDecodeOptions;

type Handle = (message: ControlMessage) => void;

/** Reads the worker's lines; see `control_pipe.ts`. */
export class ControlReader {
  readonly #decoder = new TextDecoder();
  readonly #buffer = new ArrayBuffer(64 * 1024);
  readonly #bytes = new Uint8Array(this.#buffer);
  #read: (bytes: Uint8Array) => Promise<number | null> = stdin.read.bind(stdin);
  #isStdin = true;
  /** The beginning of a line that is not complete yet. */
  #line = "";
  #ahead: ControlMessage[] = [];

  /** Whether the control pipe is stdin, which the job must not read then. */
  get isStdin(): boolean {
    return this.#isStdin;
  }

  /**
   * Reads the first line synchronously; exits if there is none. It wipes the buffer afterwards, since
   * the line contains the token.
   */
  readHello(): HelloMessage {
    const read = this.#openControl();
    for (;;) {
      const n = read(this.#bytes);
      if (n === null) exitNow(0);
      this.#push(n, (message) => this.#ahead.push(message));
      const hello = this.#ahead.shift();
      if (hello === undefined) continue;
      this.#bytes.fill(0);
      return hello as HelloMessage;
    }
  }

  /**
   * Calls `handle` for each further line, and `handled` after all lines of one read. When the pipe ends, the
   * worker has ended, and this process exits.
   */
  async forEach(handle: Handle, handled: () => void): Promise<never> {
    for (const message of this.#ahead) handle(message);
    handled();
    const read = this.#read;
    for (;;) {
      const n = await read(this.#bytes);
      if (n === null) exitNow(0);
      this.#push(n, handle);
      handled();
    }
  }

  #openControl(): (bytes: Uint8Array) => number | null {
    const { args } = Deno;
    if (args.at(-1) !== CONTROL_ARGUMENT) return stdin.readSync.bind(stdin);
    const value = Object.freeze(args.slice(0, -1)); // hide our argument from the job
    Object.defineProperty(Deno, "args", { value, enumerable: true });
    const file = Deno.openSync(CONTROL_PATH);
    // So that the job cannot open it too.
    Deno.permissions.revokeSync({ name: "read", path: CONTROL_PATH });
    this.#isStdin = false;
    this.#read = file.read.bind(file);
    return file.readSync.bind(file);
  }

  #push(length: number, handle: Handle): void {
    for (let from = 0; from < length;) {
      const found = indexOfByte(this.#bytes, 10, from);
      const isWhole = found >= 0 && found < length;
      const to = isWhole ? found : length;
      const part = new Bytes(this.#buffer, from, to - from);
      this.#line += decodeText(this.#decoder, part, STREAM);
      from = to + 1;
      if (!isWhole) return;
      const line = this.#line;
      this.#line = "";
      handle(decodeJson(line) as ControlMessage);
    }
  }
}

/**
 * Keeps the job from closing stdout and stderr, as `stream.pipeTo(Deno.stdout.writable)` does at its end,
 * and from reading stdin if it is the control pipe, as `new Deno.Command("ffmpeg").spawn()` would.
 *
 * @param isControl Whether stdin is the control pipe.
 */
export function shieldStdio(isControl: boolean): void {
  const outputs = [[stdout, writeStdout], [stderr, writeStderr]] as const;
  for (const [file, write] of outputs) {
    Object.defineProperties(file, {
      close: { value: () => undefined },
      writable: { get: once(() => streamTo(write)) },
    });
  }
  if (!isControl) return;
  Object.defineProperties(stdin, {
    read: { value: () => Promise.resolve(null) },
    readSync: { value: () => null },
    close: { value: () => undefined },
    readable: { get: once(emptyStream) },
  });
  shieldCommands();
}

/** Gives programs that a job starts an empty stdin, unless they are given a pipe. */
function shieldCommands(): void {
  wrapLazily(
    "Command",
    (Command: typeof Deno.Command) =>
      class extends Command {
        constructor(command: string | URL, options?: Deno.CommandOptions) {
          super(command, withoutStdin(options));
        }
      },
  );
  for (const name of ["spawn", "spawnAndWait", "spawnAndWaitSync"]) {
    if (!(name in Deno)) continue;
    wrapLazily(
      name,
      (spawn: AnyFunction) => (command: unknown, ...rest: unknown[]) =>
        Array.isArray(rest[0])
          ? spawn(command, rest[0], withoutStdin(rest[1]))
          : spawn(command, withoutStdin(rest[0])),
    );
  }
}

type AnyFunction = (...args: unknown[]) => unknown;

/**
 * Replaces a property of `Deno` on its first use. Even reading `Deno.Command` makes Deno load
 * a large part of itself, 6 ms in each subprocess.
 */
function wrapLazily<T>(name: string, wrap: (original: T) => unknown): void {
  const original = Object.getOwnPropertyDescriptor(Deno, name);
  const define = (value: unknown) =>
    Object.defineProperty(Deno, name, {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    });
  Object.defineProperty(Deno, name, {
    configurable: true,
    enumerable: true,
    get: () => {
      const value = wrap(original?.get?.call(Deno) ?? original?.value);
      define(value);
      return value;
    },
    set: define,
  });
}

function withoutStdin(options: unknown): Deno.CommandOptions {
  const given = options as Deno.CommandOptions | undefined;
  return given?.stdin === undefined || given.stdin === "inherit"
    ? { ...given, stdin: "null" }
    : given;
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}

function emptyStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}

function streamTo(
  write: (bytes: Uint8Array) => number,
): WritableStream<Uint8Array> {
  return new WritableStream({
    write: (chunk) => {
      const from = offsetOfBytes(chunk);
      writeFully(
        write,
        bufferOfBytes(chunk),
        from,
        from + lengthOfBytes(chunk),
      );
    },
  });
}
