/**
 * A connection for blocking commands, one at a time.
 *
 * @module
 */

import { pause } from "../base/timers.ts";
import { CallQueue } from "./call_queue.ts";
import { type Driver, toError } from "./driver.ts";
import type {
  BlockingClient,
  RedisArg,
  RedisClient,
  RedisReply,
} from "./redis_client.ts";

/** The options of a {@linkcode BlockingConnection}. */
export interface BlockingConnectionOptions {
  /** Opens connections. */
  readonly driver: Driver;
  /** The client that sends `CLIENT UNBLOCK`. */
  readonly parent: Pick<RedisClient, "send">;
  /** The name for `CLIENT SETNAME`. */
  readonly name: string | undefined;
  /** Milliseconds that a call waits for a connection. */
  readonly connectTimeout: number;
  /** Milliseconds that a reply may take beyond the time of blocking. */
  readonly replyTimeout: number;
  /** Called for each lost connection and each failed attempt to connect. */
  readonly onDown: (error: Error) => void;
  /** Called when it is closed. */
  readonly onClose: () => void;
}

/** Milliseconds that an unblocked call may take to return before its connection is dropped. */
const UNBLOCK_GRACE = 1_000;

/** Milliseconds between two attempts to unblock a call that has not reached the server yet. */
const UNBLOCK_AGAIN = 10;

/** See the module. */
export class BlockingConnection implements BlockingClient {
  readonly #options: BlockingConnectionOptions;
  readonly #queue: CallQueue;
  #clientId: number | undefined;
  #current: Promise<unknown> | undefined;

  /** Connects on the first call. */
  constructor(options: BlockingConnectionOptions) {
    this.#options = options;
    this.#queue = new CallQueue({
      driver: options.driver,
      name: options.name,
      connectTimeout: options.connectTimeout,
      replyTimeout: options.replyTimeout,
      maxBatch: 1,
      onUp: ({ clientId }) => this.#clientId = clientId,
      onDown: (error) => options.onDown(error),
    });
  }

  /** See {@linkcode BlockingClient.connected}. */
  get connected(): boolean {
    return this.#queue.connected;
  }

  /** See {@linkcode BlockingClient.send}. */
  async send(
    command: string,
    args: readonly RedisArg[],
    options: { readonly blockMs: number; readonly binary?: boolean },
  ): Promise<RedisReply> {
    if (this.#current !== undefined) {
      throw new Error(
        `Cannot send ${command}: another blocking call is pending`,
      );
    }
    const call = this.#queue.send(
      { name: command, args, binary: options.binary ?? false },
      {
        resend: false,
        blockMs: options.blockMs,
        source: undefined,
        signal: undefined,
      },
    );
    this.#current = call;
    try {
      return await call;
    } finally {
      this.#current = undefined;
    }
  }

  /** See {@linkcode BlockingClient.unblock}. */
  async unblock(): Promise<void> {
    const current = this.#current;
    if (current === undefined) return;
    const settled = new AbortController();
    const finish = () => settled.abort();
    const done = current.then(finish, finish);
    // A call that has not been written yet is resolved with null instead of being sent.
    if (!this.#queue.busy) this.#queue.forgo();
    const timer = setTimeout(() => {
      this.#queue.drop(new Error("no reply after CLIENT UNBLOCK"));
    }, Math.min(UNBLOCK_GRACE, this.#options.replyTimeout));
    const releasing = this.#release(settled.signal);
    await done;
    clearTimeout(timer);
    await releasing;
  }

  /** See {@linkcode BlockingClient.close}. */
  async close(): Promise<void> {
    this.#options.onClose();
    await this.#queue.close();
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Repeats `CLIENT UNBLOCK` until it takes effect: the blocking call may still be on its way to the server. */
  async #release(settled: AbortSignal): Promise<void> {
    try {
      while (!settled.aborted && this.#clientId !== undefined) {
        const released = await this.#options.parent.send(
          "CLIENT",
          ["UNBLOCK", this.#clientId],
          { resend: true, signal: settled },
        );
        if (released === 1) return;
        await pause(UNBLOCK_AGAIN, settled);
      }
    } catch (error) {
      // Not permitted or not reachable: dropping the connection ends the call too.
      if (!settled.aborted) this.#queue.drop(toError(error));
    }
  }
}
