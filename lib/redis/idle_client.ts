/**
 * A {@linkcode RedisClient} that nobody has to close: an open connection would keep a program from ending.
 *
 * @module
 */

import { deferred } from "../base/deferred.ts";
import { reportUncaught } from "../base/platform.ts";
import type {
  BlockingClient,
  RedisArg,
  RedisClient,
  RedisReply,
  SendOptions,
  Subscription,
} from "./redis_client.ts";

/** How many milliseconds the connection stays open unused. A program that has nothing else to do ends so much later. */
const IDLE_MS = 100;

/** Connects with a call, and closes the connection when it has not been used for a while; the next call connects anew. */
export class IdleClient implements RedisClient {
  readonly #open: () => RedisClient;
  readonly #idleMs: number;
  #client: RedisClient | undefined;
  #uses = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `open` makes a client, which has not connected yet. */
  constructor(open: () => RedisClient, idleMs: number = IDLE_MS) {
    this.#open = open;
    this.#idleMs = idleMs;
  }

  get url(): string {
    return this.#opened().url;
  }

  /** See {@linkcode RedisClient.send}. */
  send(
    command: string,
    args?: readonly RedisArg[],
    options?: SendOptions,
  ): Promise<RedisReply> {
    return this.use((client) => client.send(command, args, options));
  }

  /** See {@linkcode RedisClient.blocking}. */
  blocking(): BlockingClient {
    return new IdleBlockingClient(this);
  }

  /** See {@linkcode RedisClient.subscribe}. The connection stays open until the subscription is closed. */
  async subscribe(
    channel: string,
    onMessage: (message: string) => void,
  ): Promise<Subscription> {
    const ended = deferred<void>();
    const started = deferred<Subscription>();
    this.use(async (client) => {
      started.resolve(await client.subscribe(channel, onMessage));
      await ended.promise;
    }).catch(started.reject);
    const subscription = await started.promise;
    const close = async () => {
      await subscription.close();
      ended.resolve();
    };
    return {
      restart: () => subscription.restart(),
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  /** Closes the connection that is open now, if there is one. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    await client?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Keeps the connection open while something is done with it. */
  async use<T>(work: (client: RedisClient) => Promise<T>): Promise<T> {
    clearTimeout(this.#timer);
    this.#uses++;
    try {
      return await work(this.#opened());
    } finally {
      if (--this.#uses === 0) this.#closeLater();
    }
  }

  #opened(): RedisClient {
    return this.#client ??= this.#open();
  }

  #closeLater(): void {
    this.#timer = setTimeout(() => {
      this.close().catch(reportUncaught);
    }, this.#idleMs);
  }
}

/** A blocking connection that goes with the client's own one, and is opened again with it. */
class IdleBlockingClient implements BlockingClient {
  readonly #parent: IdleClient;
  #client: RedisClient | undefined;
  #blocking: BlockingClient | undefined;

  constructor(parent: IdleClient) {
    this.#parent = parent;
  }

  get connected(): boolean {
    return this.#blocking?.connected ?? false;
  }

  send(...call: Parameters<BlockingClient["send"]>): Promise<RedisReply> {
    return this.#parent.use((client) => {
      if (this.#client !== client) {
        this.#client = client;
        this.#blocking = client.blocking();
      }
      return this.#blocking!.send(...call);
    });
  }

  async unblock(): Promise<void> {
    await this.#blocking?.unblock();
  }

  async close(): Promise<void> {
    this.#client = undefined;
    await this.#blocking?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
