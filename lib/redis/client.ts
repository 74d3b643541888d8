/**
 * The {@linkcode RedisClient} over a driver.
 *
 * @module
 */

import { BlockingConnection } from "./blocking_client.ts";
import { CallQueue } from "./call_queue.ts";
import { describe, type Driver } from "./driver.ts";
import type { Greeting } from "./handshake.ts";
import {
  type BlockingClient,
  ConnectionLostError,
  ConnectionRefusedError,
  type RedisArg,
  type RedisClient,
  type RedisClientOptions,
  type RedisReply,
  ReplyError,
  type SendOptions,
  type Subscription,
} from "./redis_client.ts";
import { ChannelSubscription } from "./subscription.ts";

/** What a client dials with. */
export interface Drivers {
  /** For the calls themselves. */
  readonly main: Driver;
  /** For connections of one's own: blocking calls and subscriptions. Throws where there can be none. */
  readonly own: () => Driver;
}

/** What a client's further connections need to know. */
export interface Settings {
  /** See {@linkcode RedisClientOptions.connectTimeout}. */
  readonly connectTimeout: number;
  /** See {@linkcode RedisClientOptions.replyTimeout}. */
  readonly replyTimeout: number;
  /** See {@linkcode RedisClientOptions.name}. */
  readonly name: string | undefined;
}

/** Milliseconds after which it is told once more that there are no further connections. */
const TELL_AGAIN = 60_000;

/** See the module. */
export class Client implements RedisClient {
  readonly url: string;
  readonly #drivers: Drivers;
  readonly #settings: Settings;
  readonly #queue: CallQueue;
  readonly #children = new Set<{ close(): Promise<void> }>();
  readonly #onState: RedisClientOptions["onState"];
  readonly #onWarning: RedisClientOptions["onWarning"];
  #up = false;
  #downSince: number | undefined;
  #warned = false;
  #closed = false;
  /** When it was last told that there are no further connections, in milliseconds of `performance.now()`. */
  #toldAt = -Infinity;

  /** Dials upon the first call. */
  constructor(drivers: Drivers, options: RedisClientOptions) {
    this.#drivers = drivers;
    this.url = drivers.main.url;
    this.#settings = checkSettings(options);
    this.#onState = options.onState;
    this.#onWarning = options.onWarning;
    this.#queue = new CallQueue({
      ...this.#settings,
      driver: drivers.main,
      maxBatch: 1_000,
      onUp: (greeting) => this.#onUp(greeting),
      onDown: (error) => this.#onDown(error),
    });
  }

  /** See {@linkcode RedisClient.send}. */
  send(
    command: string,
    args: readonly RedisArg[] = [],
    options: SendOptions = {},
  ): Promise<RedisReply> {
    return this.#queue.send(
      { name: command, args, binary: options.binary ?? false },
      {
        resend: options.resend ?? false,
        blockMs: 0,
        source: options.source,
        signal: options.signal,
      },
    );
  }

  /** See {@linkcode RedisClient.blocking}. */
  blocking(): BlockingClient {
    const child: BlockingConnection = new BlockingConnection({
      ...this.#settings,
      driver: this.#drivers.own(),
      parent: this,
      onDown: (error) => this.#onChildDown(error),
      onClose: () => this.#children.delete(child),
    });
    this.#adopt(child);
    return child;
  }

  /** See {@linkcode RedisClient.subscribe}. */
  async subscribe(
    channel: string,
    onMessage: (message: string) => void,
  ): Promise<Subscription> {
    const child: ChannelSubscription = new ChannelSubscription({
      ...this.#settings,
      driver: this.#drivers.own(),
      channel,
      onMessage,
      onDown: (error) => this.#onChildDown(error),
      onClose: () => this.#children.delete(child),
    });
    this.#adopt(child);
    await child.confirmed;
    return child;
  }

  /** See {@linkcode RedisClient.close}. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([
      this.#queue.close(),
      ...[...this.#children].map((child) => child.close()),
    ]);
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A child of a closed client closes at once, which rejects what is asked of it. */
  #adopt(child: { close(): Promise<void> }): void {
    this.#children.add(child);
    if (this.#closed) child.close();
  }

  /** Another connection to the server was lost: find out whether ours is, rather than at the next call. */
  #onChildDown(error: Error): void {
    if (this.#closed || this.#downSince !== undefined) return;
    const now = performance.now();
    // What the server says of itself, such as that it has too many clients, concerns that connection alone.
    if (error instanceof ReplyError && now - this.#toldAt > TELL_AGAIN) {
      this.#toldAt = now;
      this.#tell(this.#onWarning, [
        `Cannot have a further connection to Redis at ${this.url}: ${
          describe(error)
        }; trying again until there is one`,
      ]);
    }
    this.send("PING", [], { resend: true }).catch(ignore);
  }

  #onUp(greeting: Greeting): void {
    if (!this.#warned && evicts(greeting.policy)) {
      this.#warned = true;
      this.#tell(this.#onWarning, [
        `Redis at ${this.url} may evict jobs: its maxmemory-policy is ${greeting.policy}, set it to noeviction`,
      ]);
    }
    this.#up = true;
    if (this.#downSince === undefined) return;
    const downFor = performance.now() - this.#downSince;
    this.#downSince = undefined;
    this.#tell(this.#onState, [{ state: "up", url: this.url, downFor }]);
  }

  #onDown(reason: Error): void {
    if (this.#downSince !== undefined) return;
    this.#downSince = performance.now();
    const error = reason instanceof ConnectionRefusedError
      ? reason
      : new ConnectionLostError(
        `${
          this.#up ? "Lost the connection to" : "Cannot reach"
        } Redis at ${this.url}: ${describe(reason)}`,
        { sent: false, cause: reason },
      );
    this.#up = false;
    this.#tell(this.#onState, [{ state: "down", url: this.url, error }]);
  }

  /** What a callback throws is its owner's to hear of, but must not stop the reconnecting. */
  #tell<T extends unknown[]>(
    callback: ((...args: T) => void) | undefined,
    args: T,
  ): void {
    try {
      callback?.(...args);
    } catch (error) {
      reportError(error);
    }
  }
}

function ignore(): void {
  // The outage itself is what onState tells.
}

function evicts(policy: string | undefined): boolean {
  return policy !== undefined && policy !== "noeviction";
}

function checkSettings(options: RedisClientOptions): Settings {
  const { connectTimeout = 10_000, replyTimeout = 10_000, name } = options;
  for (const [key, value] of Object.entries({ connectTimeout, replyTimeout })) {
    if (!(value > 0)) {
      throw new RangeError(
        `Cannot connect to Redis: ${key} must be more than 0 milliseconds, not ${value}`,
      );
    }
  }
  return { connectTimeout, replyTimeout, name };
}
