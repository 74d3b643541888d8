/**
 * A subscription to one channel over its own connection.
 *
 * @module
 */

import { deferred } from "../base/deferred.ts";
import { reportUncaught } from "../base/platform.ts";
import { MAX_DELAY } from "../base/timers.ts";
import { type Connection, describe, type Driver, toError } from "./driver.ts";
import { Reconnector } from "./reconnector.ts";
import {
  ConnectionLostError,
  ReplyError,
  type Subscription,
} from "./redis_client.ts";

/** The options of a {@linkcode ChannelSubscription}. */
export interface ChannelSubscriptionOptions {
  /** Opens connections. */
  readonly driver: Driver;
  /** The channel. */
  readonly channel: string;
  /** Called with each message. */
  readonly onMessage: (message: string) => void;
  /** The name for `CLIENT SETNAME`. */
  readonly name: string | undefined;
  /** Milliseconds that connecting and the first confirmation may take. */
  readonly connectTimeout: number;
  /** Milliseconds that the confirmation may take once connected. */
  readonly replyTimeout: number;
  /** Called for each lost connection and each failed attempt to connect. */
  readonly onDown: (error: Error) => void;
  /** Called when it is closed. */
  readonly onClose: () => void;
}

/** See the module. */
export class ChannelSubscription implements Subscription {
  readonly #options: ChannelSubscriptionOptions;
  readonly #reconnector: Reconnector;
  readonly #confirmed = deferred<void>();
  #lastError: Error | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Connects at once. */
  constructor(options: ChannelSubscriptionOptions) {
    this.#options = options;
    this.#reconnector = new Reconnector({
      driver: options.driver,
      name: options.name,
      dialTimeout: Math.min(options.replyTimeout, 10_000),
      onUp: (connection) => this.#subscribe(connection),
      onDown: (error) => {
        this.#lastError = error;
        options.onDown(error);
      },
      onRefused: (error) => this.#fail(error),
    });
    if (options.connectTimeout <= MAX_DELAY) {
      this.#timer = setTimeout(() => this.#giveUp(), options.connectTimeout);
    }
    this.#reconnector.start();
  }

  /** Resolves at the first confirmation. If there is none in time, rejects and closes the subscription. */
  get confirmed(): Promise<void> {
    return this.#confirmed.promise;
  }

  /** See {@linkcode Subscription.restart}. */
  restart(): void {
    this.#reconnector.drop(new Error("the subscription was restarted"));
  }

  /** See {@linkcode Subscription.close}. */
  async close(): Promise<void> {
    const error = new ConnectionLostError(
      `Cannot subscribe to "${this.#options.channel}": the client is closed`,
      { sent: false },
    );
    this.#options.onClose();
    clearTimeout(this.#timer);
    this.#confirmed.reject(error);
    await this.#reconnector.close(error);
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #subscribe(connection: Connection): Promise<void> {
    const { channel, replyTimeout } = this.#options;
    const watchdog = setTimeout(() => {
      this.#reconnector.drop(
        new Error(`no reply within ${replyTimeout / 1_000} s`),
      );
    }, Math.min(replyTimeout, MAX_DELAY));
    try {
      await connection.subscribe(channel, (message) => this.#tell(message));
      clearTimeout(this.#timer);
      this.#confirmed.resolve();
    } catch (error) {
      // Probably an ACL. The first caller is told; a running subscription keeps trying, as the ACL may be corrected.
      if (error instanceof ReplyError) this.#fail(error);
      this.#reconnector.drop(toError(error));
    } finally {
      clearTimeout(watchdog);
    }
  }

  /** Calls the listener. What it throws is reported as uncaught, but does not end the subscription. */
  #tell(message: string): void {
    try {
      this.#options.onMessage(message);
    } catch (error) {
      reportUncaught(error);
    }
  }

  #giveUp(): void {
    const { driver, connectTimeout } = this.#options;
    const cause = this.#lastError;
    const reason = cause === undefined ? "no answer" : describe(cause);
    this.#fail(
      new ConnectionLostError(
        `Cannot reach Redis at ${driver.url}: ${reason}, gave up after ${
          connectTimeout / 1_000
        } s`,
        { sent: false, cause },
      ),
    );
  }

  /** Rejects `confirmed` and closes. Does nothing after the first confirmation: then a failure only means a retry. */
  #fail(error: Error): void {
    this.#confirmed.promise.catch(() => this.close());
    this.#confirmed.reject(error);
  }
}
