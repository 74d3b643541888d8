/**
 * Reads the stream of events for all who watch over one connection.
 *
 * @module
 */

import { Mailbox } from "../base/mailbox.ts";
import {
  type BlockingClient,
  ConnectionLostError,
  type RedisReply,
} from "../redis/redis_client.ts";
import {
  eventsOfReply,
  type StoredEvent,
  watch,
  WATCH_SECONDS,
} from "../store/events.ts";
import type { JobStore } from "../store/job_store.ts";
import { isLater } from "../store/stream_ids.ts";

/** How long one XREAD blocks, in milliseconds. */
const BLOCK_MS = 5_000;

/** How often it is said that somebody still watches, in milliseconds: three times until events would end. */
const RENEW_MS = WATCH_SECONDS * 1_000 / 3;

/** The most entries of one reply. */
const PAGE = 500;

/** Somebody who watches. */
export interface Watcher extends Disposable {
  /** The events that the watcher has asked for. What was missed, it says. */
  readonly mailbox: Mailbox<StoredEvent>;
}

interface Watching {
  readonly wants: (event: StoredEvent) => boolean;
  readonly mailbox: Mailbox<StoredEvent>;
}

/** Reads events. It connects when the first one watches. */
export class EventReader implements AsyncDisposable {
  readonly #store: JobStore;
  readonly #watching = new Set<Watching>();
  #blocking: BlockingClient | undefined;
  #loop: Promise<void> | undefined;
  #starting: Promise<void> | undefined;
  #position = "0-0";
  #renewedAt = -Infinity;
  #closed = false;

  /** For the events of this store. */
  constructor(store: JobStore) {
    this.#store = store;
  }

  /** The last entry that was read. */
  get position(): string {
    return this.#position;
  }

  /**
   * Watches. Whatever happens after this has resolved is told.
   *
   * @param wants Chooses events.
   */
  async watch(wants: Watching["wants"]): Promise<Watcher> {
    if (this.#closed) throw closedError();
    const watching = { wants, mailbox: new Mailbox<StoredEvent>() };
    this.#watching.add(watching);
    const leave = () => {
      this.#watching.delete(watching);
      // Otherwise the loop would end only with its XREAD.
      if (this.#watching.size === 0) void this.#blocking?.unblock();
    };
    try {
      await this.#start();
    } catch (error) {
      leave();
      throw error;
    }
    return { mailbox: watching.mailbox, [Symbol.dispose]: leave };
  }

  /** Closes the connection, and ends everybody's watching with an error. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#failAll(closedError());
    await this.#blocking?.close();
    await this.#loop;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Has events written, and read; those who come meanwhile wait for the same call. */
  async #start(): Promise<void> {
    if (this.#loop !== undefined) return;
    this.#starting ??= this.#begin();
    try {
      await this.#starting;
    } finally {
      this.#starting = undefined;
    }
    this.#loop ??= this.#run();
  }

  async #begin(): Promise<void> {
    const { lastId } = await watch(this.#store);
    this.#position = lastId;
    this.#renewedAt = performance.now();
  }

  async #run(): Promise<void> {
    try {
      while (this.#watching.size > 0) await this.#readOnce();
    } catch (error) {
      this.#failAll(error);
    } finally {
      this.#loop = undefined;
    }
  }

  async #readOnce(): Promise<void> {
    if (performance.now() - this.#renewedAt >= RENEW_MS) await this.#renew();
    const blocking = this.#blocking ??= this.#store.client.blocking();
    const { events } = this.#store.keys;
    let reply: RedisReply;
    try {
      reply = await blocking.send(
        "XREAD",
        ["COUNT", PAGE, "BLOCK", BLOCK_MS, "STREAMS", events, this.#position],
        { blockMs: BLOCK_MS },
      );
    } catch (error) {
      if (this.#closed || !(error instanceof ConnectionLostError)) throw error;
      this.#renewedAt = -Infinity; // meanwhile, events may have ended, or been dropped
      return;
    }
    if (reply === null) return;
    const read = eventsOfReply(reply);
    // Too much for one reply: what came before it may have been dropped from the stream.
    if (read.length === PAGE) await this.#renew();
    for (const event of read) this.#deliver(event);
  }

  /** Says that somebody still watches, and finds out whether events were missed. */
  async #renew(): Promise<void> {
    const { firstId, lastId, before } = await watch(this.#store);
    this.#renewedAt = performance.now();
    const isOther = isLater(this.#position, lastId); // the stream was deleted
    if (before && !isOther && !isLater(firstId, this.#position)) return;
    if (isOther) this.#position = "0-0";
    for (const { mailbox } of this.#watching) mailbox.miss();
  }

  #deliver(event: StoredEvent): void {
    this.#position = event.id;
    for (const { wants, mailbox } of this.#watching) {
      if (wants(event)) mailbox.add(event);
    }
  }

  #failAll(error: unknown): void {
    for (const { mailbox } of this.#watching) mailbox.fail(error);
    this.#watching.clear();
  }
}

function closedError(): Error {
  return new Error("Cannot watch: the connection is closed");
}
