/**
 * How the subprocess tells its worker things.
 *
 * @module
 */

import { encodeText } from "../base/primordials.ts";
import { nextTurn, writeAnswer, writeEndMark } from "./child_io.ts";
import { FrameWriter, type MessageKind } from "./frames.ts";
import type { HelloMessage } from "./protocol.ts";

const encoder = new TextEncoder();
const { memoryUsage } = Deno;
const now = performance.now.bind(performance);

/** Jobs between two looks at the memory, which take 40 µs each. */
const LOOK_JOBS = 16;
/** Milliseconds after which it is looked at all the same. */
const LOOK_MS = 100;

/** The way to the worker. Answers of jobs that end in one turn of the event loop are told together. */
export class Channel {
  readonly #answers: FrameWriter;
  readonly #marks: FrameWriter;
  readonly #memory: MemoryLimit;
  readonly #shared: boolean;
  #turn: Promise<void> | undefined;
  #flushing = false;
  #mark = 0;
  #needsMark = false;

  /**
   * Writes nothing yet.
   *
   * @param isMute whether nothing is ever to be written
   */
  constructor(
    { token, isolation, memoryLimit }: HelloMessage,
    isMute = false,
  ) {
    const bytes = Uint8Array.fromHex(token);
    this.#answers = new FrameWriter(bytes, isMute ? ignore : writeAnswer);
    this.#marks = new FrameWriter(bytes, isMute ? ignore : writeEndMark);
    this.#memory = new MemoryLimit(memoryLimit);
    this.#shared = isolation === "shared";
  }

  /** Tells the worker something, at once. */
  say(kind: MessageKind, run: number, text = ""): void {
    this.#answers.send(kind, run, encodeText(encoder, text));
  }

  /** Asks the worker for something; the JSON of a `CallMessage`. */
  call(run: number, call: Uint8Array): void {
    this.#answers.send("call", run, call);
  }

  /** Tells how a run ended; with a mark on stderr, unless it may be quiet and has succeeded. */
  answer(
    kind: "success" | "failure",
    run: number,
    text: string,
    isQuiet: boolean,
  ): void {
    if (kind === "failure" || !isQuiet) this.#needsMark = true;
    if (this.#memory.isFull()) this.#answers.add("full", run);
    this.#answers.add(kind, run, encodeText(encoder, text));
    if (!this.#shared) this.#flush();
    else if (!this.#flushing) this.#flushLater();
  }

  /** Resolves once the event loop has turned, and has seen what was rejected so far. */
  turn(): Promise<void> {
    return this.#turn ??= this.#nextTurn();
  }

  async #nextTurn(): Promise<void> {
    await nextTurn();
    this.#turn = undefined;
  }

  /** Those that waited for the same turn go on before what waits from now on. */
  async #flushLater(): Promise<void> {
    this.#flushing = true;
    await undefined;
    this.#flushing = false;
    this.#flush();
  }

  #flush(): void {
    const mark = this.#needsMark ? ++this.#mark : 0;
    if (this.#needsMark) this.#marks.send("end", mark);
    this.#needsMark = false;
    this.#answers.send("answered", mark);
  }
}

function ignore(): void {}

/** Notices that the process has grown beyond its limit. */
class MemoryLimit {
  readonly #limit: number;
  #jobs = 0;
  #lookedAt = 0;

  constructor(limit: number | undefined) {
    this.#limit = limit ?? Infinity;
  }

  /** Whether it is full; to be asked once for each job. */
  isFull(): boolean {
    if (this.#limit === Infinity) return false;
    if (++this.#jobs < LOOK_JOBS && now() - this.#lookedAt < LOOK_MS) {
      return false;
    }
    this.#jobs = 0;
    this.#lookedAt = now();
    return memoryUsage().rss > this.#limit;
  }
}
