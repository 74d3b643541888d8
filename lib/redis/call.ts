/**
 * One call, from being asked for to its reply.
 *
 * @module
 */

import type { Command } from "./driver.ts";
import type { RedisArg, RedisReply } from "./redis_client.ts";

/** How a call is sent. */
export interface CallOptions {
  /** Whether it may be sent again after it was written and its reply did not come. */
  readonly resend: boolean;
  /** Milliseconds that the server may block on it. */
  readonly blockMs: number;
  /** The source of the script that the command names by its hash. */
  readonly source: string | undefined;
  /** Rejects it with its reason. */
  readonly signal: AbortSignal | undefined;
}

/** Commands that change or hold the connection, which calls of others share. */
const NOT_SHARED: ReadonlySet<string> = new Set([
  ...["MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "MONITOR", "RESET"],
  ...["HELLO", "AUTH", "SELECT", "QUIT", "SUBSCRIBE", "PSUBSCRIBE"],
  ...["SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"],
]);

/** See the module. Settles once; what comes later is ignored. */
export class Call {
  /** What is sent. */
  command: Command;
  /** See {@linkcode CallOptions.resend}. */
  readonly resend: boolean;
  /** See {@linkcode CallOptions.blockMs}. */
  readonly blockMs: number;
  /** Roughly its bytes on the wire. */
  size: number;
  /** See {@linkcode CallOptions.source}. */
  readonly source: string | undefined;
  /** Whether it has been written, so that it may have been carried out. */
  sent = false;
  /** How often the connection was lost between sending it and its reply. */
  losses = 0;
  /** Whether it has its reply or error. */
  settled = false;
  /** When it first had to wait for a connection, in milliseconds of `performance.now()`. */
  waitingSince: number | undefined;
  readonly #settling = Promise.withResolvers<RedisReply>();
  /** Takes the listener off the signal, where there is one. */
  #forgetSignal: (() => void) | undefined;

  /** Rejected already if the command cannot be sent or the signal is aborted. */
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

  /** Makes an `EVAL` of an `EVALSHA` whose script the server does not know. */
  sendSource(source: string): void {
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
