/**
 * The queue of calls of one connection. One pipeline is in flight at a time;
 * calls that arrive meanwhile go into the next.
 *
 * @module
 */

import { type Clock, SYSTEM_CLOCK, type Timer } from "../base/clock.ts";
import { MAX_DELAY } from "../base/timers.ts";
import {
  type Command,
  type Connection,
  describe,
  type Driver,
  toError,
} from "./driver.ts";
import type { Greeting } from "./handshake.ts";
import { Reconnector } from "./reconnector.ts";
import {
  ConnectionLostError,
  type ConnectionRefusedError,
  type RedisReply,
  ReplyError,
} from "./redis_client.ts";
import { Call, type CallOptions } from "./call.ts";
import { takeBatch } from "./call_batch.ts";
import {
  askLimits,
  lossesOf,
  protocolErrorOf,
  refusalOf,
  SURELY_TAKEN,
} from "./call_limits.ts";
import { Watchdog } from "./watchdog.ts";

/** The options of a {@linkcode CallQueue}. */
export interface CallQueueOptions {
  /** Opens connections. */
  readonly driver: Driver;
  /** The name for `CLIENT SETNAME`. */
  readonly name: string | undefined;
  /** Milliseconds that a call waits for a connection. */
  readonly connectTimeout: number;
  /** Milliseconds that a pipeline waits for its replies. */
  readonly replyTimeout: number;
  /** The most calls in one pipeline. */
  readonly maxBatch: number;
  /** Called for each new connection. */
  readonly onUp: (greeting: Greeting) => void;
  /** Called for each lost connection and each failed attempt to connect. */
  readonly onDown: (error: Error) => void;
  /** @default The system's. */
  readonly clock?: Clock;
}

/** After so many idle milliseconds, a PING precedes a call that must not be sent twice. */
const STALE_AFTER = 1_000;

/** The slowest upload, in bytes per millisecond, that the reply timeout allows for a large call. */
const SLOWEST_UPLOAD = 1_000;

const PING: readonly Command[] = [{ name: "PING", args: [], binary: false }];

/** See the module. */
export class CallQueue {
  readonly #options: CallQueueOptions;
  readonly #clock: Clock;
  readonly #reconnector: Reconnector;
  #waiting: Call[] = [];
  #inFlight: readonly Call[] = [];
  #connection: Connection | undefined;
  #final: Error | undefined;
  #lastError: Error | undefined;
  #lastUse = 0;
  /** The sources of the scripts that the server knows from this connection. */
  readonly #known = new Set<string>();
  #flushing = false;
  /** Drops the connection if no reply comes in time, which rejects the pipeline. */
  readonly #watchdog: Watchdog;
  #waitTimer: Timer | undefined;

  /** Connects on the first call. */
  constructor(options: CallQueueOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#watchdog = new Watchdog((patience) => {
      const seconds = Math.round(patience) / 1_000;
      this.#reconnector.drop(new Error(`no reply within ${seconds} s`));
    }, this.#clock);
    this.#reconnector = new Reconnector({
      driver: options.driver,
      name: options.name,
      dialTimeout: Math.min(options.replyTimeout, 10_000),
      onUp: (connection, greeting) => this.#up(connection, greeting),
      onDown: (error) => this.#down(error),
      onRefused: (error) => this.#refuse(error),
    });
  }

  /** Whether there is a connection, as far as is known. */
  get connected(): boolean {
    return this.#connection !== undefined;
  }

  /** Whether a pipeline is in flight. */
  get busy(): boolean {
    return this.#inFlight.length > 0;
  }

  /** Queues one call. Never throws: a call that cannot be sent is rejected. */
  send(command: Command, options: CallOptions): Promise<RedisReply> {
    const call = new Call(command, options);
    if (this.#final !== undefined) call.reject(this.#final);
    if (call.settled) return call.promise;
    this.#waiting.push(call);
    this.#reconnector.start();
    if (this.#connection !== undefined) this.#scheduleFlush();
    else if (this.#waitTimer === undefined) this.#watchWaiting();
    else call.waitingSince = this.#clock.now();
    return call.promise;
  }

  /** Resolves the calls that have not been written with `null`, the reply of a blocking call that timed out. */
  forgo(): void {
    const calls = this.#waiting;
    this.#waiting = [];
    this.#watchWaiting();
    for (const call of calls) call.resolve(null);
  }

  /** Closes the connection and connects anew. */
  drop(error: Error): void {
    this.#reconnector.drop(error);
  }

  /** Rejects pending calls and leaves no socket and no timer. */
  async close(): Promise<void> {
    const { url } = this.#options.driver;
    const error = (sent: boolean) =>
      new ConnectionLostError(
        `Cannot send to Redis at ${url}: the client is closed`,
        { sent },
      );
    this.#final ??= error(false);
    this.#rejectAll(error);
    this.#watchdog.stop();
    await this.#reconnector.close(this.#final);
  }

  #up(connection: Connection, greeting: Greeting): void {
    this.#connection = connection;
    this.#known.clear();
    this.#lastUse = this.#clock.now();
    this.#watchWaiting();
    this.#options.onUp(greeting);
    this.#flush();
  }

  #down(error: Error): void {
    this.#connection = undefined;
    this.#lastError = error;
    this.#watchWaiting();
    this.#options.onDown(error);
  }

  #refuse(error: ConnectionRefusedError): void {
    this.#connection = undefined;
    this.#final = error;
    this.#options.onDown(error);
    this.#rejectAll(() => error);
  }

  #rejectAll(error: (sent: boolean) => Error): void {
    const calls = [...this.#inFlight, ...this.#waiting];
    this.#waiting = [];
    this.#watchWaiting();
    for (const call of calls) call.reject(error(call.sent));
  }

  /** Flushes in a microtask, so that the calls of one tick share a pipeline. */
  #scheduleFlush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    const connection = this.#connection;
    if (connection === undefined || this.busy) return;
    const batch = takeBatch(this.#waiting, this.#options.maxBatch);
    if (batch.length === 0) return;
    this.#inFlight = batch;
    const now = this.#clock.now();
    const ready = this.#prepare(connection, batch, now);
    if (ready === undefined) this.#transmit(connection, batch, now);
    else {
      ready.then(
        (fit) => this.#transmit(connection, fit, this.#clock.now()),
        (error) => this.#lose(connection, batch, toError(error)),
      );
    }
  }

  /** Checks that must precede this batch, if any; resolves with the calls that are to be sent. */
  #prepare(
    connection: Connection,
    batch: readonly Call[],
    now: number,
  ): Promise<readonly Call[]> | undefined {
    if (batch.some(({ size }) => size > SURELY_TAKEN)) {
      return this.#fitting(connection, batch, now);
    }
    const stale = now - this.#lastUse > STALE_AFTER;
    return stale && batch.some((call) => !call.resend)
      ? this.#prove(connection, batch, now)
      : undefined;
  }

  /** Rejects the calls that are too large: sending one would cost the connection, and with it the rest of the batch. */
  async #fitting(
    connection: Connection,
    batch: readonly Call[],
    now: number,
  ): Promise<readonly Call[]> {
    this.#watchdog.watch(this.#options.replyTimeout, now);
    const limits = await askLimits(connection);
    return batch.filter((call) => {
      const refusal = call.size > SURELY_TAKEN
        ? refusalOf(call, limits, this.#options.driver.url)
        : undefined;
      if (refusal !== undefined) call.reject(refusal);
      return refusal === undefined;
    });
  }

  /**
   * Sends a PING first. `@db/redis` does not notice that the server closed an idle
   * connection; a call written to it would have to be rejected, since it might have
   * been executed. A lost PING harms nobody.
   */
  async #prove(
    connection: Connection,
    batch: readonly Call[],
    now: number,
  ): Promise<readonly Call[]> {
    this.#watchdog.watch(this.#options.replyTimeout, now);
    await connection.pipeline(PING);
    return batch;
  }

  #transmit(
    connection: Connection,
    batch: readonly Call[],
    now: number,
  ): void {
    if (batch.length === 0) return this.#settle(connection, batch, []);
    const commands: Command[] = [];
    let blockMs = 0;
    let size = 0;
    for (const call of batch) {
      this.#introduce(call);
      call.sent = true;
      call.waitingSince = undefined; // if it has to wait again, its connectTimeout starts anew
      size += call.size;
      commands.push(call.command);
      if (call.blockMs > blockMs) blockMs = call.blockMs;
    }
    const patience = blockMs + this.#options.replyTimeout +
      size / SLOWEST_UPLOAD;
    this.#watchdog.watch(patience, now);
    connection.pipeline(commands).then(
      (replies) => this.#settle(connection, batch, replies),
      (error) => this.#lose(connection, batch, toError(error)),
    );
  }

  /**
   * Lets the first call of a script on this connection carry its source. If it was sent by its hash and the server did not
   * know it, calls of other scripts would overtake it: a job would be enqueued before the one that it depends on.
   */
  #introduce(call: Call): void {
    if (call.source === undefined || this.#known.has(call.source)) return;
    this.#known.add(call.source);
    call.sendSource(call.source);
  }

  #settle(
    connection: Connection,
    batch: readonly Call[],
    replies: readonly (RedisReply | ReplyError)[],
  ): void {
    this.#inFlight = [];
    this.#watchdog.rest();
    this.#lastUse = this.#clock.now();
    const unknown: Call[] = [];
    for (let i = 0; i < batch.length; i++) {
      const call = batch[i]!;
      const reply = replies[i] ?? null;
      if (!(reply instanceof ReplyError)) {
        call.resolve(reply);
        continue;
      }
      const refusal = protocolErrorOf(call, reply, this.#options.driver.url);
      if (reply.code !== "NOSCRIPT" || call.source === undefined) {
        call.reject(refusal ?? reply);
      } else unknown.push(call);
      // READONLY: after a failover, this address may lead to another server by now. A protocol error: the server
      // closes the connection.
      const over = reply.code === "READONLY" || refusal !== undefined;
      if (over && connection === this.#connection) {
        this.#reconnector.drop(reply);
      }
    }
    if (unknown.length > 0) this.#repeatScripts(unknown);
    this.#flush();
  }

  /** Puts the calls whose script the server has forgotten back to the front, so that their order is kept. */
  #repeatScripts(calls: readonly Call[]): void {
    this.#known.clear();
    for (const call of calls) call.sent = false;
    this.#requeue(calls);
  }

  #lose(connection: Connection, batch: readonly Call[], error: Error): void {
    this.#inFlight = [];
    if (this.#final === undefined) this.#watchdog.rest();
    else this.#watchdog.stop();
    if (connection === this.#connection) this.#reconnector.drop(error);
    const again = batch.filter((call) => this.#survives(call, error));
    this.#requeue(again);
    this.#flush();
  }

  /** Whether a call is sent again; otherwise it is rejected here. */
  #survives(call: Call, error: Error): boolean {
    if (!call.sent) return true;
    const { url } = this.#options.driver;
    call.losses++;
    const lost = call.resend ? lossesOf(call, error, url) : undefined;
    if (call.resend && lost === undefined) return true;
    call.reject(
      lost ?? new ConnectionLostError(
        `Lost the connection to Redis at ${url} before the reply to ${call.command.name}: ${
          describe(error)
        }`,
        { sent: true, cause: error },
      ),
    );
    return false;
  }

  #requeue(calls: readonly Call[]): void {
    if (this.#final !== undefined) {
      for (const call of calls) call.reject(this.#final);
      return;
    }
    this.#waiting.unshift(...calls);
    this.#watchWaiting();
  }

  /** Sets one timer, for the first call: those behind it have not waited longer. */
  #watchWaiting(): void {
    this.#clock.clearTimeout(this.#waitTimer);
    this.#waitTimer = undefined;
    const { connectTimeout } = this.#options;
    if (this.#connection !== undefined || connectTimeout > MAX_DELAY) return;
    const now = this.#clock.now();
    for (const call of this.#waiting) call.waitingSince ??= now;
    const first = this.#waiting.find((call) => !call.settled);
    if (first?.waitingSince === undefined) return;
    const left = Math.max(0, first.waitingSince + connectTimeout - now);
    this.#waitTimer = this.#clock.setTimeout(() => this.#giveUp(), left);
  }

  #giveUp(): void {
    const { connectTimeout, driver } = this.#options;
    // Timers may fire a fraction of a millisecond early.
    const limit = this.#clock.now() - connectTimeout + 1;
    const isLate = (call: Call) => (call.waitingSince ?? Infinity) <= limit;
    const late = this.#waiting.filter(isLate);
    this.#waiting = this.#waiting.filter((call) => !isLate(call));
    const cause = this.#lastError;
    const reason = cause === undefined ? "no answer" : describe(cause);
    for (const call of late) {
      call.reject(
        new ConnectionLostError(
          `Cannot reach Redis at ${driver.url}: ${reason}, gave up after ${
            connectTimeout / 1_000
          } s`,
          { sent: call.sent, cause },
        ),
      );
    }
    this.#watchWaiting();
  }
}
