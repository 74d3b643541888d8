/**
 * A subscription to one channel over a connection of its own.
 *
 * @module
 */

import { type Connection, describe, type Driver, toError } from "./driver.ts";
import { Link } from "./link.ts";
import {
  ConnectionLostError,
  ReplyError,
  type Subscription,
} from "./redis_client.ts";

/** How a {@linkcode ChannelSubscription} is made. */
export interface ChannelSubscriptionOptions {
  /** What dials. */
  readonly driver: Driver;
  /** The channel. */
  readonly channel: string;
  /** Told of each message. */
  readonly onMessage: (message: string) => void;
  /** The name for `CLIENT SETNAME`. */
  readonly name: string | undefined;
  /** Milliseconds that the first confirmation may take. */
  readonly connectTimeout: number;
  /** Milliseconds that the confirmation of a connected server may take. */
  readonly replyTimeout: number;
  /** Told of each loss, and of each try to connect that failed. */
  readonly onDown: (error: Error) => void;
  /** Told when it is closed. */
  readonly onClose: () => void;
}

/** See the module. */
export class ChannelSubscription implements Subscription {
  readonly #options: ChannelSubscriptionOptions;
  readonly #link: Link;
  readonly #confirmed = Promise.withResolvers<void>();
  #lastError: Error | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Connects at once. */
  constructor(options: ChannelSubscriptionOptions) {
    this.#options = options;
    this.#link = new Link({
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
    if (options.connectTimeout < 2 ** 31) {
      this.#timer = setTimeout(() => this.#giveUp(), options.connectTimeout);
    }
    this.#link.start();
  }

  /** Resolves at the first confirmation; rejects, closed, if there is none in time. */
  get confirmed(): Promise<void> {
    return this.#confirmed.promise;
  }

  /** See {@linkcode Subscription.restart}. */
  restart(): void {
    this.#link.drop(new Error("the subscription was restarted"));
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
    await this.#link.close(error);
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #subscribe(connection: Connection): Promise<void> {
    const { channel, replyTimeout } = this.#options;
    const watchdog = setTimeout(() => {
      this.#link.drop(new Error(`no reply within ${replyTimeout / 1_000} s`));
    }, Math.min(replyTimeout, 2 ** 31 - 1));
    try {
      await connection.subscribe(channel, (message) => this.#tell(message));
      clearTimeout(this.#timer);
      this.#confirmed.resolve();
    } catch (error) {
      // An ACL does not change by asking again, but may be repaired later.
      if (error instanceof ReplyError) this.#fail(error);
      this.#link.drop(toError(error));
    } finally {
      clearTimeout(watchdog);
    }
  }

  /** What the listener throws is its owner's to hear of, but must not end the subscription. */
  #tell(message: string): void {
    try {
      this.#options.onMessage(message);
    } catch (error) {
      reportError(error);
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

  /** Before the first confirmation, a failure is the caller's; later it is only a reason to try again. */
  #fail(error: Error): void {
    this.#confirmed.promise.catch(() => this.close());
    this.#confirmed.reject(error);
  }
}
