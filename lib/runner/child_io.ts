/**
 * The subprocess's ends of the pipes, taken before the job's module can touch them.
 *
 * @module
 */

import { decodeJson } from "../job/json.ts";
import type { ControlMessage, HelloMessage } from "./protocol.ts";

// A job may replace any global. What is needed after it was loaded is kept here.
const { stderr, stdin, stdout } = Deno;
const exit: (code: number) => never = Deno.exit;
const readStdin = stdin.read.bind(stdin);
const writeStdout = stdout.writeSync.bind(stdout);
const writeStderr = stderr.writeSync.bind(stderr);
const sleepCell = new Int32Array(new SharedArrayBuffer(4));
const sleepSync = Atomics.wait;
const turnCell = new Int32Array(new SharedArrayBuffer(4));
const { notify, waitAsync } = Atomics;
const { WouldBlock } = Deno.errors;

/** Ends the process at once, without a word. */
export function exitNow(code: number): never {
  return exit(code);
}

/**
 * Waits until the event loop has turned, and has seen what was rejected so far.
 *
 * By a wake-up that V8 delivers as a task of its own: 5 µs, from the first one on. Rejected: a
 * timer and a `MessageChannel`, whose first use loads modules of Deno's own (2 to 5 ms); a read or
 * write, which ends on another thread, at times before the loop has seen the rejections.
 */
export async function nextTurn(): Promise<void> {
  const turned = waitAsync(turnCell, 0, 0);
  notify(turnCell, 0);
  await turned.value;
}

/** Writes all of the bytes to stdout, or to stderr if stdout cannot be written to. */
export function writeAnswer(bytes: Uint8Array): void {
  try {
    writeFully(writeStdout, bytes);
  } catch {
    // The job has closed stdout. The worker looks for frames on both pipes.
    writeFully(writeStderr, bytes);
  }
}

/** Writes all of the bytes to stderr, if it can be written to. */
export function writeEndMark(bytes: Uint8Array): void {
  try {
    writeFully(writeStderr, bytes);
  } catch {
    return; // closed by the job: then nothing follows on it either
  }
}

function writeFully(
  write: (bytes: Uint8Array) => number,
  bytes: Uint8Array,
): void {
  let from = 0;
  while (from < bytes.length) {
    try {
      from += write(bytes.subarray(from));
    } catch (error) {
      // A grandchild may have made the shared pipe non-blocking.
      if (!(error instanceof WouldBlock)) throw error;
      sleepSync(sleepCell, 0, 0, 1);
    }
  }
}

/** Reads the lines on stdin. */
export class ControlReader {
  readonly #decoder = new TextDecoder();
  readonly #buffer = new Uint8Array(64 * 1024);
  #parts: string[] = [];
  #ahead: ControlMessage[] = [];

  /** Reads the first line, without waiting for an event loop; ends the process if there is none. */
  readHello(): HelloMessage {
    for (;;) {
      const n = stdin.readSync(this.#buffer);
      if (n === null) exitNow(0);
      const [hello, ...rest] = this.#push(this.#buffer.subarray(0, n));
      this.#ahead = rest;
      if (hello !== undefined) return hello as HelloMessage;
    }
  }

  /**
   * Hands each further line to a function, and tells when all that came at once has been handed on.
   * The end of stdin is the end of the worker, and of this process.
   */
  async forEach(
    handle: (message: ControlMessage) => void,
    handled: () => void,
  ): Promise<never> {
    for (const message of this.#ahead) handle(message);
    for (;;) {
      const n = await readStdin(this.#buffer);
      if (n === null) exitNow(0);
      for (const message of this.#push(this.#buffer.subarray(0, n))) {
        handle(message);
      }
      handled();
    }
  }

  #push(bytes: Uint8Array): ControlMessage[] {
    const messages: ControlMessage[] = [];
    let from = 0;
    for (;;) {
      const end = bytes.indexOf(10, from);
      if (end < 0) break;
      this.#append(bytes.subarray(from, end));
      messages.push(decodeJson(this.#parts.join("")) as ControlMessage);
      this.#parts = [];
      from = end + 1;
    }
    if (from < bytes.length) this.#append(bytes.subarray(from));
    return messages;
  }

  #append(bytes: Uint8Array): void {
    this.#parts.push(this.#decoder.decode(bytes, { stream: true }));
  }
}

/**
 * Keeps the job from closing or reading what carries the answers: as in
 * `stream.pipeTo(Deno.stdout.writable)`, which closes stdout at its end, or in
 * `new Deno.Command("ffmpeg").spawn()`, which would read the worker's replies.
 */
export function shieldStdio(): void {
  Object.defineProperties(stdin, {
    read: { value: () => Promise.resolve(null) },
    readSync: { value: () => null },
    close: { value: () => undefined },
    readable: { get: once(emptyStream) },
  });
  const outputs = [[stdout, writeStdout], [stderr, writeStderr]] as const;
  for (const [file, write] of outputs) {
    Object.defineProperties(file, {
      close: { value: () => undefined },
      writable: { get: once(() => streamTo(write)) },
    });
  }
  shieldCommands();
}

/** What a job starts has an empty stdin, unless it is told to have a pipe. */
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
 * Puts something in the place of a property of `Deno`, once somebody asks for it: to touch
 * what starts processes has Deno load a good part of itself, 6 ms in each subprocess.
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
  return new WritableStream({ write: (chunk) => writeFully(write, chunk) });
}
