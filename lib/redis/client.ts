/**
 * The {@linkcode RedisClient} over a driver.
 *
 * @module
 */

import { reportUncaught } from "../base/platform.ts";
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

/** The drivers of a client. */
export interface Drivers {
  /** For the shared connection of all calls. */
  readonly main: Driver;
  /** For a separate connection: blocking calls and subscriptions. Throws if none can be made. */
  readonly own: () => Driver;
}

/** The settings that a client's further connections share. */
export interface Settings {
  /** See {@linkcode RedisClientOptions.connectTimeout}. */
  readonly connectTimeout: number;
  /** See {@linkcode RedisClientOptions.replyTimeout}. */
  readonly replyTimeout: number;
  /** See {@linkcode RedisClientOptions.name}. */
  readonly name: string | undefined;
}

/** Milliseconds before the warning that a further connection is refused is repeated. */
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
  /** When that warning was last given (`performance.now()`). */
  #toldAt = -Infinity;

  /** Connects on the first call. */
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

  /** Registers a further connection. If the client is closed, it closes it at once, which rejects its calls. */
  #adopt(child: { close(): Promise<void> }): void {
    this.#children.add(child);
    if (this.#closed) child.close();
  }

  /** A further connection was lost: a PING finds out at once, rather than at the next call, whether this one is too. */
  #onChildDown(error: Error): void {
    if (this.#closed || this.#downSince !== undefined) return;
    const now = performance.now();
    // An error reply, such as "max number of clients reached", concerns that connection alone.
    if (error instanceof ReplyError && now - this.#toldAt > TELL_AGAIN) {
      this.#toldAt = now;
      this.#tell(this.#onWarning, [
        `Cannot open a further connection to Redis at ${this.url}: ${
          describe(error)
        }; it keeps trying`,
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

  /** Calls a callback. What it throws is reported as uncaught, but does not stop the reconnecting. */
  #tell<T extends unknown[]>(
    callback: ((...args: T) => void) | undefined,
    args: T,
  ): void {
    try {
      callback?.(...args);
    } catch (error) {
      reportUncaught(error);
    }
  }
}

function ignore(): void {
  // onState tells of the outage.
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
