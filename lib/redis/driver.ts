/**
 * What this project asks of a package that speaks to Redis: to dial, and one
 * physical connection that never reconnects by itself. Gathering, re-sending,
 * reconnecting and watching are done above it, once for all packages.
 *
 * @module
 */

import type { RedisArg, RedisReply, ReplyError } from "./redis_client.ts";
import type { Credentials } from "./url.ts";

/** One command of a pipeline. */
export interface Command {
  /** The command's name, such as `"GET"`. */
  readonly name: string;
  /** Its arguments. */
  readonly args: readonly RedisArg[];
  /** Whether strings of the reply are wanted as bytes. */
  readonly binary: boolean;
}

/** One physical connection. Once it has ended it stays so. */
export interface Connection {
  /** Resolves with the reason once it has ended, by itself or by {@linkcode close}. */
  readonly ended: Promise<Error>;
  /**
   * Sends commands together and gives their replies in order, an error reply
   * in its place. One pipeline at a time. Rejects if the connection ends first.
   */
  pipeline(commands: readonly Command[]): Promise<(RedisReply | ReplyError)[]>;
  /** Resolves once the server confirmed the subscription; no pipeline may follow. */
  subscribe(
    channel: string,
    onMessage: (message: string) => void,
  ): Promise<void>;
  /** Ends it now, without waiting for anything. Further calls do nothing. */
  close(reason: Error): void;
}

/** Makes connections to one server. */
export interface Driver {
  /** Where to, the password masked. */
  readonly url: string;
  /** What to say after dialling; `undefined` where the package has said it. */
  readonly credentials: Credentials | undefined;
  /** Whether a connection ends at one server, so that its `CLIENT ID` says something. */
  readonly direct: boolean;
  /** Connects, without a word to the server. Gives up when the signal is aborted. */
  dial(signal: AbortSignal): Promise<Connection>;
}

/** The end of a connection, which whatever waits for a reply has to hear of. */
export class Ending {
  readonly #ended = Promise.withResolvers<Error>();
  readonly #waiting = new Set<(error: Error) => void>();
  #reason: Error | undefined;

  /** Resolves with the reason. */
  get promise(): Promise<Error> {
    return this.#ended.promise;
  }

  /** Whether it has come. */
  get reached(): boolean {
    return this.#reason !== undefined;
  }

  /** Ends; only the first reason counts. */
  reach(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#ended.resolve(reason);
    for (const reject of this.#waiting) reject(reason);
    this.#waiting.clear();
  }

  /**
   * Gives what the work gives, or rejects at the end, whichever is first.
   * `Promise.race` would keep a reaction on the long-lived promise per call.
   */
  guard<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#reason !== undefined) reject(this.#reason);
      else this.#waiting.add(reject);
      work.then((value) => {
        this.#waiting.delete(reject);
        resolve(value);
      }, (error) => {
        this.#waiting.delete(reject);
        reject(error);
      });
    });
  }
}

/** The error itself, or one made of what was thrown. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Why a connection failed, in a few words that follow a colon. */
export function describe(error: Error): string {
  const code = (error as { code?: unknown }).code;
  if (
    error instanceof Deno.errors.ConnectionRefused || code === "ECONNREFUSED"
  ) {
    return "connection refused";
  }
  if (error instanceof Deno.errors.ConnectionReset || code === "ECONNRESET") {
    return "connection reset";
  }
  if (error.name === "EOFError" || error.constructor.name === "EOFError") {
    return "the server closed the connection";
  }
  const text = error.message === "" ? error.name : error.message;
  return text.replace(/\.$/, "");
}
