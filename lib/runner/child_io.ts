/**
 * The subprocess's ends of the pipes, taken before the job's module can touch them.
 *
 * @module
 */

import {
  bufferOfBytes,
  Bytes,
  decodeText,
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

// A job may replace any global. What is needed after it was loaded is kept here.
const { stderr, stdin, stdout } = Deno;
const exit: (code: number) => never = Deno.exit;
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

/** Writes the first bytes of a buffer to stdout, or to stderr if stdout cannot be written to. */
export function writeAnswer(buffer: ArrayBuffer, length: number): void {
  try {
    writeFully(writeStdout, buffer, 0, length);
  } catch {
    // The job has closed stdout. The worker looks for frames on both pipes.
    writeFully(writeStderr, buffer, 0, length);
  }
}

/** Writes the first bytes of a buffer to stderr, if it can be written to. */
export function writeEndMark(buffer: ArrayBuffer, length: number): void {
  try {
    writeFully(writeStderr, buffer, 0, length);
  } catch {
    return; // closed by the job: then nothing follows on it either
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

/** Reads the lines of the worker; see `control_pipe.ts`. */
export class ControlReader {
  readonly #decoder = new TextDecoder();
  readonly #buffer = new ArrayBuffer(64 * 1024);
  readonly #bytes = new Uint8Array(this.#buffer);
  #read: (bytes: Uint8Array) => Promise<number | null> = stdin.read.bind(stdin);
  #isStdin = true;
  /** What has come of a line that is not over. */
  #line = "";
  #ahead: ControlMessage[] = [];

  /** Whether what the worker says comes by stdin, which the job must not read then. */
  get isStdin(): boolean {
    return this.#isStdin;
  }

  /**
   * Reads the first line, without waiting for an event loop; ends the process if there is none.
   * Nothing of it is left in the buffer: it holds the token.
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
   * Hands each further line to a function, and tells when all that came at once has been handed on.
   * The end of the pipe is the end of the worker, and of this process.
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
    const value = Object.freeze(args.slice(0, -1)); // the job's are its own
    Object.defineProperty(Deno, "args", { value, enumerable: true });
    const file = Deno.openSync(CONTROL_PATH);
    // Nobody is to open it a second time.
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
 * Keeps the job from closing or reading what carries the answers: as in
 * `stream.pipeTo(Deno.stdout.writable)`, which closes stdout at its end, or in
 * `new Deno.Command("ffmpeg").spawn()`, which would read the worker's replies if stdin carried them.
 *
 * @param isControl whether stdin does
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
