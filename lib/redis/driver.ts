/**
 * What this project needs from a Redis package: opening a connection, and one
 * physical connection that never reconnects by itself. Pipelining, re-sending,
 * reconnecting and timeouts are implemented above it, once for all packages.
 *
 * @module
 */

import { deferred } from "../base/deferred.ts";
import type { RedisArg, RedisReply, ReplyError } from "./redis_client.ts";
import type { Credentials } from "./url.ts";

/** One command of a pipeline. */
export interface Command {
  /** The command's name, such as `"GET"`. */
  readonly name: string;
  /** Its arguments. */
  readonly args: readonly RedisArg[];
  /** Whether strings in the reply are returned as bytes. */
  readonly binary: boolean;
}

/** One physical connection. Once ended, it stays ended. */
export interface Connection {
  /** Resolves with the reason once it has ended, by itself or by {@linkcode close}. */
  readonly ended: Promise<Error>;
  /**
   * Sends commands together and returns their replies in order; an error reply is
   * returned, not thrown. One pipeline at a time. Rejects if the connection ends first.
   */
  pipeline(commands: readonly Command[]): Promise<(RedisReply | ReplyError)[]>;
  /** Resolves once the server has confirmed the subscription. No pipeline may follow. */
  subscribe(
    channel: string,
    onMessage: (message: string) => void,
  ): Promise<void>;
  /** Ends it now, without waiting for anything. Further calls do nothing. */
  close(reason: Error): void;
}

/** Opens connections to one server. */
export interface Driver {
  /** The server's URL, the password masked. */
  readonly url: string;
  /** What to log in with after connecting; `undefined` where the package has done it. */
  readonly credentials: Credentials | undefined;
  /** Whether a connection leads to a single server (not a Cluster), so that `CLIENT ID` is meaningful. */
  readonly direct: boolean;
  /** Opens a connection without sending anything. Gives up when the signal is aborted. */
  dial(signal: AbortSignal): Promise<Connection>;
}

/** The end of a connection, which rejects everything that waits for a reply. */
export class ConnectionEnd {
  readonly #ended = deferred<Error>();
  readonly #waiting = new Set<(error: Error) => void>();
  #reason: Error | undefined;

  /** Resolves with the reason. */
  get promise(): Promise<Error> {
    return this.#ended.promise;
  }

  /** Whether the connection has ended. */
  get reached(): boolean {
    return this.#reason !== undefined;
  }

  /** Marks the connection as ended. Only the first reason counts. */
  reach(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#ended.resolve(reason);
    for (const reject of this.#waiting) reject(reason);
    this.#waiting.clear();
  }

  /**
   * Settles as `work` does, or rejects when the connection ends, whichever is first.
   * Not `Promise.race`: it would add a reaction to the long-lived promise for each call.
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

/** The error itself; anything else that was thrown is wrapped in one. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Why a connection failed, in a few words to put after a colon. */
export function describe(error: Error): string {
  const code = (error as { code?: unknown }).code;
  if (error.name === "ConnectionRefused" || code === "ECONNREFUSED") {
    return "connection refused";
  }
  if (error.name === "ConnectionReset" || code === "ECONNRESET") {
    return "connection reset";
  }
  if (error.name === "EOFError" || error.constructor.name === "EOFError") {
    return "the server closed the connection";
  }
  const text = error.message === "" ? error.name : error.message;
  return text.replace(/\.$/, "");
}
