/**
 * The channel from the subprocess to its worker.
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

/** Jobs between two measurements of memory, which take 40 µs each. */
const LOOK_JOBS = 16;
/** Milliseconds after which it is measured with any job. */
const LOOK_MS = 100;

/** Sends messages to the worker. Answers of jobs that end in one turn of the event loop go in one write. */
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
   * @param isMute Whether to write nothing, ever.
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

  /** Sends a message at once. */
  say(kind: MessageKind, run: number, text = ""): void {
    this.#answers.send(kind, run, encodeText(encoder, text));
  }

  /** Sends a call, the JSON of a `CallMessage`. */
  call(run: number, call: Uint8Array): void {
    this.#answers.send("call", run, call);
  }

  /** Sends how a run ended, and a mark on stderr, unless it is quiet and has succeeded. */
  answer(
    kind: "success" | "failure" | "asleep",
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

  /** See {@linkcode nextTurn}; all callers within one turn share it. */
  turn(): Promise<void> {
    return this.#turn ??= this.#nextTurn();
  }

  async #nextTurn(): Promise<void> {
    await nextTurn();
    this.#turn = undefined;
  }

  /** Flushes after a microtask: the other jobs that waited for this turn add their answers first. */
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

/** Checks the process's memory against its limit. */
class MemoryLimit {
  readonly #limit: number;
  #jobs = 0;
  #lookedAt = 0;

  constructor(limit: number | undefined) {
    this.#limit = limit ?? Infinity;
  }

  /** Whether the limit is exceeded. Call it once per job. */
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
