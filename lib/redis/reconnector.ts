/**
 * Keeps one connection to a server: connects, performs the handshake, and
 * reconnects with backoff whenever the connection is lost.
 *
 * @module
 */

import { deferred } from "../base/deferred.ts";
import { backoff } from "../base/backoff.ts";
import { pause } from "../base/timers.ts";
import { type Connection, type Driver, toError } from "./driver.ts";
import { askWhy, greet, type Greeting } from "./handshake.ts";
import { ConnectionRefusedError, ReplyError } from "./redis_client.ts";

/** The options of a {@linkcode Reconnector}. */
export interface ReconnectorOptions {
  /** Opens connections. */
  readonly driver: Driver;
  /** The name for `CLIENT SETNAME`. */
  readonly name: string | undefined;
  /** Milliseconds that connecting and the handshake may take together. */
  readonly dialTimeout: number;
  /** Called for each new connection. */
  readonly onUp: (connection: Connection, greeting: Greeting) => void;
  /** Called for each lost connection and each failed attempt. */
  readonly onDown: (error: Error) => void;
  /** Called once if the server refuses us for good; then it stops trying. */
  readonly onRefused: (error: ConnectionRefusedError) => void;
}

/** A connection that lasted fewer milliseconds counts as another failure in a row. */
const SHORT_LIFE = 1_000;

/** Milliseconds to wait for an aborted dial to end; after that it is left to itself. */
const LATE_DIAL = 1_000;

/** See the module. */
export class Reconnector {
  readonly #options: ReconnectorOptions;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #connection: Connection | undefined;

  /** Does nothing until {@linkcode start}. */
  constructor(options: ReconnectorOptions) {
    this.#options = options;
  }

  /** Starts to connect; further calls do nothing. */
  start(): void {
    if (this.#closing.signal.aborted) return;
    this.#running ??= this.#run();
  }

  /** Closes the connection at once and connects anew. */
  drop(error: Error): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    connection.close(error);
    if (!this.#closing.signal.aborted) this.#options.onDown(error);
  }

  /** Stops; resolves once nothing runs any more. */
  async close(reason: Error): Promise<void> {
    this.#closing.abort(reason);
    this.drop(reason);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const lived = await this.#live();
        if (lived >= SHORT_LIFE) failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ConnectionRefusedError) {
          this.#options.onRefused(error);
          return;
        }
        this.#options.onDown(toError(error));
      }
      await pause(backoff(failures++), signal);
    }
  }

  /** One connection from dialling to its end; returns how many milliseconds it was up. */
  async #live(): Promise<number> {
    const { signal } = this.#closing;
    const [connection, greeting] = await this.#dial();
    const since = performance.now();
    // `close()` may have been called in between: it knows nothing of this connection, but waits for its end.
    if (signal.aborted) connection.close(toError(signal.reason));
    signal.throwIfAborted();
    this.#connection = connection;
    this.#options.onUp(connection, greeting);
    const reason = await connection.ended;
    if (this.#connection === connection) this.drop(reason);
    return performance.now() - since;
  }

  async #dial(): Promise<[Connection, Greeting]> {
    const { driver, dialTimeout } = this.#options;
    const attempt = new AbortController();
    const stop = () => attempt.abort(this.#closing.signal.reason);
    this.#closing.signal.addEventListener("abort", stop);
    const timer = setTimeout(() => {
      attempt.abort(new Error(`no answer within ${dialTimeout / 1_000} s`));
    }, dialTimeout);
    try {
      const connection = await dialUntil(driver, attempt.signal);
      return [connection, await this.#greet(connection, attempt.signal)];
    } finally {
      clearTimeout(timer);
      this.#closing.signal.removeEventListener("abort", stop);
    }
  }

  async #greet(connection: Connection, signal: AbortSignal): Promise<Greeting> {
    const { driver, name } = this.#options;
    try {
      const greeting = greet(connection, driver, name);
      await finishOrClose(connection, greeting, signal);
      return await greeting;
    } catch (error) {
      throw await this.#reasonFor(toError(error), signal);
    }
  }

  /** If the server seems to have closed without a reason, asks for the reason over another connection. */
  async #reasonFor(error: Error, signal: AbortSignal): Promise<Error> {
    const known = error instanceof ReplyError ||
      error instanceof ConnectionRefusedError;
    if (known || signal.aborted) return error;
    try {
      const connection = await dialUntil(this.#options.driver, signal);
      const reason = askWhy(connection);
      await finishOrClose(connection, reason, signal);
      connection.close(error);
      return await reason ?? error;
    } catch {
      return error;
    }
  }
}

/** Waits for an exchange on a connection, which is closed if that fails or the signal is aborted first. */
async function finishOrClose(
  connection: Connection,
  talk: Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  const giveUp = () => connection.close(toError(signal.reason));
  signal.addEventListener("abort", giveUp);
  if (signal.aborted) giveUp(); // since the connection was dialled: then the event is over
  try {
    await talk;
  } catch (error) {
    connection.close(toError(error));
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

/**
 * Dials until the signal is aborted. A connection that is open by then is closed before this returns;
 * one that a package opens later, ignoring the signal, is closed as soon as it is open.
 */
async function dialUntil(
  driver: Driver,
  signal: AbortSignal,
): Promise<Connection> {
  const { promise, reject } = deferred<never>();
  const giveUp = () => reject(signal.reason);
  signal.addEventListener("abort", giveUp);
  const dialling = driver.dial(signal);
  try {
    signal.throwIfAborted();
    const connection = await Promise.race([dialling, promise]);
    signal.throwIfAborted();
    return connection;
  } catch (error) {
    const settled = new AbortController();
    dialling.then((late) => late.close(toError(error)), () => undefined)
      .finally(() => settled.abort());
    await pause(LATE_DIAL, settled.signal);
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}
