/**
 * A running job's calls to its worker, and the replies.
 *
 * @module
 */

import { deferred } from "../base/deferred.ts";
import {
  defineProperty,
  encodeText,
  lengthOfBytes,
  mapDelete,
  mapGet,
  mapSet,
  mapSize,
  sliceText,
} from "../base/primordials.ts";
import { encodePythonJson } from "../job/json.ts";
import type { MetaPatch } from "../job/meta.ts";
import type { WorkerCalls } from "./current_job.ts";
import {
  type CallRequest,
  MAX_CALL_BYTES,
  MAX_CALLS,
  MAX_LOG_TEXT,
  type ReplyMessage,
} from "./protocol.ts";
import type { EnqueueRequest, StepCall } from "./runner.ts";

/** A call that has been sent and not answered yet. */
interface PendingCall {
  readonly size: number;
  readonly isLog: boolean;
  readonly resolve: (value: string) => void;
  readonly reject: (error: Error) => void;
}

/** A call that is not sent yet for lack of room, and the one behind it. */
interface QueuedCall {
  readonly size: number;
  readonly go: () => void;
  next: QueuedCall | undefined;
}

const encoder = new TextEncoder();

/** Not reset between jobs: a late reply to one job's call must not settle a call of the next job. */
let lastId = 0;

/** Sends calls and settles their promises as the replies come in. */
export class ChildCalls implements WorkerCalls {
  readonly #send: (call: Uint8Array) => void;
  readonly #pending = new Map<number, PendingCall>();
  #bytes = 0;
  #first: QueuedCall | undefined;
  #last: QueuedCall | undefined;
  #onSettled: (() => void) | undefined;
  #isOver = false;
  #isLogging = false;
  #logText = "";

  /**
   * Sends nothing yet.
   *
   * @param send Writes one call to the worker.
   */
  constructor(send: (call: Uint8Array) => void) {
    this.#send = send;
  }

  /** Adds a job; resolves to its id. */
  enqueue(request: EnqueueRequest): Promise<string> {
    return this.#call({ method: "enqueue", request });
  }

  /** Asks what became of the job's parents. */
  parents(): Promise<string> {
    return this.#call({ method: "parents" });
  }

  /** Merges a patch into the stored `meta`. */
  async saveMeta(patch: MetaPatch): Promise<void> {
    await this.#call({ method: "saveMeta", patch });
  }

  /** Stores the job's progress. */
  async saveProgress(value: number, note: string | undefined): Promise<void> {
    await this.#call(
      note === undefined
        ? { method: "saveProgress", value }
        : { method: "saveProgress", value, note },
    );
  }

  /** Adds lines to the job's log. One call at a time does so; what comes meanwhile goes with the next one. */
  log(text: string): void {
    if (this.#isOver) return;
    const all = this.#logText + text + "\n";
    this.#logText = all.length > MAX_LOG_TEXT
      ? sliceText(all, -MAX_LOG_TEXT)
      : all;
    if (!this.#isLogging) this.#sendLog();
  }

  /** Asks for something that a step needs. */
  steps(call: StepCall): Promise<string> {
    return this.#call(call);
  }

  /** Stores parts that the job has yielded. */
  async emit(parts: readonly string[]): Promise<void> {
    await this.#call({ method: "emit", parts });
  }

  /** Settles the call that a reply is for. */
  settle({ id, value, error, name }: ReplyMessage): void {
    const call = mapGet(this.#pending, id);
    if (call === undefined) return;
    mapDelete(this.#pending, id);
    this.#bytes -= call.size;
    if (error === undefined) call.resolve(value ?? "");
    else call.reject(errorNamed(name, error));
    this.#sendWaiting();
    if (call.isLog) this.#sendLog();
    if (mapSize(this.#pending) === 0) this.#onSettled?.();
  }

  /** Waits until every call has been answered. Bounded by the job's time limit. */
  async settled(): Promise<void> {
    while (mapSize(this.#pending) > 0) {
      const { promise, resolve } = deferred<void>();
      this.#onSettled = resolve;
      await promise;
    }
  }

  /** Rejects all calls from now on: the job has ended, but code that it left running may go on. */
  end(): void {
    this.#isOver = true;
  }

  /** Sends what was logged since the last call, if there was one. */
  #sendLog(): void {
    this.#isLogging = this.#logText !== "";
    if (!this.#isLogging) return;
    const text = sliceText(this.#logText, 0, -1); // without the last line break
    this.#logText = "";
    ignore(this.#call({ method: "log", text })); // it fails only if the job is over
  }

  #call(request: CallRequest): Promise<string> {
    const id = ++lastId;
    const { promise, resolve, reject } = deferred<string>();
    if (this.#isOver) {
      reject(
        new Error(
          `Cannot ask the worker for ${request.method}: the job has ended`,
        ),
      );
      return promise;
    }
    const bytes = encodeText(encoder, encodePythonJson({ id, ...request }));
    const size = lengthOfBytes(bytes);
    if (size > MAX_CALL_BYTES) {
      reject(tooLarge(request.method, size));
      return promise;
    }
    const go = () => {
      const isLog = request.method === "log";
      mapSet(this.#pending, id, { size, isLog, resolve, reject });
      this.#bytes += size;
      this.#send(bytes);
    };
    if (this.#first === undefined && this.#hasRoomFor(size)) go();
    else this.#wait(size, go);
    return promise;
  }

  #hasRoomFor(size: number): boolean {
    const calls = mapSize(this.#pending);
    return calls === 0 ||
      (calls < MAX_CALLS && this.#bytes + size <= MAX_CALL_BYTES);
  }

  #wait(size: number, go: () => void): void {
    const waiting: QueuedCall = { size, go, next: undefined };
    if (this.#last === undefined) this.#first = waiting;
    else this.#last.next = waiting;
    this.#last = waiting;
  }

  #sendWaiting(): void {
    while (this.#first !== undefined && this.#hasRoomFor(this.#first.size)) {
      const { go, next } = this.#first;
      this.#first = next;
      if (next === undefined) this.#last = undefined;
      go();
    }
  }
}

/** Marks a promise as handled. */
async function ignore(promise: Promise<unknown>): Promise<void> {
  try {
    await promise;
  } catch {
    // see where it is called
  }
}

function tooLarge(method: string, size: number): RangeError {
  const most = MAX_CALL_BYTES / 1024 / 1024;
  return new RangeError(
    `Cannot ask the worker for ${method}: it takes ${
      (size / 1024 / 1024).toFixed(1)
    } MB of JSON, more than ${most} MB`,
  );
}

/** An error as the worker has thrown it. Its class is not loaded here: jobs tell it by its name. */
function errorNamed(name: string | undefined, message: string): Error {
  const error = new Error(message);
  if (name === undefined || name === "Error") return error;
  const stack = `${name}${sliceText(error.stack ?? "", "Error".length)}`;
  defineProperty(error, "name", hidden(name));
  return defineProperty(error, "stack", hidden(stack));
}

function hidden(value: string): PropertyDescriptor {
  return {
    __proto__: null,
    value,
    writable: true,
    configurable: true,
  } as PropertyDescriptor;
}
