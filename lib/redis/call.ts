/**
 * One call, from the request to its reply.
 *
 * @module
 */

import { deferred } from "../base/deferred.ts";
import type { Command } from "./driver.ts";
import type { RedisArg, RedisReply } from "./redis_client.ts";

/** The options of a {@linkcode Call}. */
export interface CallOptions {
  /** Whether it may be sent again if the connection is lost before its reply. */
  readonly resend: boolean;
  /** How long the server may block, in milliseconds. */
  readonly blockMs: number;
  /** The source of the script whose hash the command contains. */
  readonly source: string | undefined;
  /** Rejects the call with the signal's reason. */
  readonly signal: AbortSignal | undefined;
}

/** Commands that change or occupy the connection, which other callers share. */
const NOT_SHARED: ReadonlySet<string> = new Set([
  ...["MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "MONITOR", "RESET"],
  ...["HELLO", "AUTH", "SELECT", "QUIT", "SUBSCRIBE", "PSUBSCRIBE"],
  ...["SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"],
]);

/** See the module. It settles once; a later reply or error is ignored. */
export class Call {
  /** The command to send. */
  command: Command;
  /** See {@linkcode CallOptions.resend}. */
  readonly resend: boolean;
  /** See {@linkcode CallOptions.blockMs}. */
  readonly blockMs: number;
  /** Its approximate size on the wire, in bytes. */
  size: number;
  /** See {@linkcode CallOptions.source}. */
  readonly source: string | undefined;
  /** Whether it has been written, so that the server may have executed it. */
  sent = false;
  /** How often the connection was lost while it waited for its reply. */
  losses = 0;
  /** Whether it has its reply or error. */
  settled = false;
  /** Since when it has been waiting for a connection (`performance.now()`). */
  waitingSince: number | undefined;
  readonly #settling = deferred<RedisReply>();
  /** Removes the listener from the signal, if there is one. */
  #forgetSignal: (() => void) | undefined;

  /** It is rejected at once if the command cannot be sent or the signal is aborted. */
  constructor(command: Command, options: CallOptions) {
    this.command = command;
    this.resend = options.resend;
    this.blockMs = options.blockMs;
    this.source = options.source;
    this.size = 32 + command.name.length;
    const problem = findProblem(command);
    if (problem !== undefined) return this.#fail(problem);
    for (const arg of command.args) this.size += 16 + sizeOf(arg);
    if (options.signal !== undefined) this.#heed(options.signal);
  }

  /** The reply. */
  get promise(): Promise<RedisReply> {
    return this.#settling.promise;
  }

  /** Settles it with a reply. */
  resolve(reply: RedisReply): void {
    this.#finish();
    this.#settling.resolve(reply);
  }

  /** Settles it with an error. */
  reject(error: unknown): void {
    this.#finish();
    this.#settling.reject(error);
  }

  /** Turns an `EVALSHA` into an `EVAL`. */
  sendSource(source: string): void {
    if (this.command.name === "EVAL") return;
    const args = [source, ...this.command.args.slice(1)];
    this.command = { ...this.command, name: "EVAL", args };
    this.size += source.length;
  }

  #fail(error: unknown): this {
    this.reject(error);
    return this;
  }

  #heed(signal: AbortSignal): void {
    const abort = () => this.reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort);
    this.#forgetSignal = () => signal.removeEventListener("abort", abort);
  }

  #finish(): void {
    this.settled = true;
    this.#forgetSignal?.();
  }
}

function findProblem({ name, args }: Command): TypeError | undefined {
  if (NOT_SHARED.has(name.toUpperCase())) {
    return new TypeError(
      `Cannot send ${name}: the connection is shared with other calls`,
    );
  }
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (
      typeof arg === "string" || arg instanceof Uint8Array ||
      (typeof arg === "number" && !Number.isNaN(arg))
    ) continue;
    return new TypeError(
      `Cannot send ${name}: argument ${i} is ${
        Number.isNaN(arg) ? "NaN" : typeof arg
      }, not a string, a number or bytes`,
    );
  }
  return undefined;
}

function sizeOf(arg: RedisArg): number {
  if (typeof arg === "number") return 16;
  return arg.length;
}
