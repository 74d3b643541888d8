/** Shared by the tests of `lib/redis`: waiting, a proxy, a fake server, and the drivers. */

import { connect as connectDbRedis } from "@db/redis";
import { Redis } from "ioredis";
import { connect } from "../../lib/redis/connect.ts";
import type {
  RedisClient,
  RedisClientOptions,
} from "../../lib/redis/redis_client.ts";

/** Waits for a condition, at most `timeout` milliseconds. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeout = 60_000,
): Promise<void> {
  const deadline = performance.now() + timeout;
  while (!await condition()) {
    if (performance.now() > deadline) {
      throw new Error(
        `Cannot go on: ${condition} is false after ${timeout} ms`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Returns the error that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("Cannot give the rejection: the promise resolved");
}

/** A client and what it was created from. */
export interface Subject extends AsyncDisposable {
  readonly client: RedisClient;
}

/** A way to get a client. */
export interface Way {
  readonly name: string;
  connect(port: number, options?: RedisClientOptions): Promise<Subject>;
}

function owned(driver: "@db/redis" | "ioredis"): Way {
  return {
    name: driver,
    connect: (port, options) => {
      const client = connect(`redis://127.0.0.1:${port}`, {
        ...options,
        driver,
      });
      return Promise.resolve({
        client,
        [Symbol.asyncDispose]: () => client.close(),
      });
    },
  };
}

/** The drivers. */
export const DRIVERS: readonly Way[] = [owned("@db/redis"), owned("ioredis")];

/** The drivers, and clients that the user has connected. */
export const WAYS: readonly Way[] = [...DRIVERS, {
  name: "an existing @db/redis client",
  connect: async (port, options) => {
    const existing = await connectDbRedis({ hostname: "127.0.0.1", port });
    const client = connect(existing, options);
    return {
      client,
      [Symbol.asyncDispose]: async () => {
        await client.close();
        existing.close();
      },
    };
  },
}, {
  name: "an existing ioredis client",
  connect: async (port, options) => {
    const existing = new Redis({ host: "127.0.0.1", port, lazyConnect: true });
    existing.on("error", () => undefined);
    await existing.connect();
    const client = connect(existing, options);
    return {
      client,
      [Symbol.asyncDispose]: async () => {
        await client.close();
        const ended = new Promise((resolve) => existing.once("end", resolve));
        existing.disconnect();
        await ended;
      },
    };
  },
}];

/** A TCP proxy in front of a server that can count, swallow and cut. */
export class Proxy implements AsyncDisposable {
  /** How many round trips the client has begun. */
  roundTrips = 0;
  /** Connections accepted so far. */
  accepted = 0;
  /** While set, what the server sends is swallowed. */
  deaf = false;
  /** While set, what the client sends is swallowed. */
  mute = false;
  /** Whether to cut the connection instead of passing on what the client sent. */
  cutsAt: (bytes: Uint8Array) => boolean = () => false;
  readonly #listener: Deno.TcpListener;
  readonly #target: number;
  readonly #open = new Set<Deno.Conn>();
  readonly #tasks = new Set<Promise<void>>();

  /** In front of the server on this port of 127.0.0.1. */
  constructor(target: number) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#track(this.#accept());
  }

  /** Where it listens. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const connection of this.#open) close(connection);
    this.#open.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  #track(task: Promise<void>): void {
    const tracked = task.finally(() => this.#tasks.delete(tracked));
    this.#tasks.add(tracked);
  }

  async #accept(): Promise<void> {
    try {
      for await (const client of this.#listener) {
        this.accepted++;
        this.#open.add(client);
        this.#track(this.#join(client));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #join(client: Deno.Conn): Promise<void> {
    let server: Deno.Conn;
    try {
      server = await Deno.connect({
        hostname: "127.0.0.1",
        port: this.#target,
      });
    } catch {
      close(client); // The server is down, which the client learns this way.
      return;
    }
    this.#open.add(server);
    let answered = true;
    await Promise.all([
      this.#copy(client, server, (bytes) => {
        if (this.cutsAt(bytes)) throw new Error("cut");
        if (answered) this.roundTrips++;
        answered = false;
        return !this.mute;
      }),
      this.#copy(server, client, () => {
        answered = true;
        return !this.deaf;
      }),
    ]);
  }

  async #copy(
    from: Deno.Conn,
    to: Deno.Conn,
    passes: (bytes: Uint8Array) => boolean,
  ): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (;;) {
        const size = await from.read(buffer);
        if (size === null) break;
        if (!passes(buffer.subarray(0, size))) continue;
        for (let at = 0; at < size;) {
          at += await to.write(buffer.subarray(at, size));
        }
      }
    } catch {
      // A broken connection is one of the things that this proxy is for.
    }
    close(from);
    close(to);
  }
}

/** A server that answers each command with what a function returns, in RESP. */
export class FakeServer implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #answer: (command: readonly string[]) => string;
  readonly #open = new Set<Deno.Conn>();
  readonly #tasks = new Set<Promise<void>>();
  /** The commands so far. */
  readonly commands: (readonly string[])[] = [];

  /** Answers are raw RESP, such as `"+OK\r\n"`. */
  constructor(answer: (command: readonly string[]) => string) {
    this.#answer = answer;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#tasks.add(this.#accept());
  }

  /** Where it listens. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const connection of this.#open) close(connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await Promise.all(this.#tasks);
  }

  async #accept(): Promise<void> {
    try {
      for await (const connection of this.#listener) {
        this.#open.add(connection);
        this.#tasks.add(this.#serve(connection));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #serve(connection: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    let pending = "";
    try {
      for (;;) {
        const size = await connection.read(buffer);
        if (size === null) break;
        pending += new TextDecoder().decode(buffer.subarray(0, size));
        let command: string[] | undefined;
        while (([command, pending] = take(pending), command)) {
          this.commands.push(command);
          const answer = new TextEncoder().encode(this.#answer(command));
          if (answer.length > 0) await connection.write(answer);
        }
      }
    } catch {
      // The client may leave at any time.
    }
    close(connection);
  }
}

/** A bulk string in RESP. */
export function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

/** Takes one whole command off the front. */
function take(text: string): [string[] | undefined, string] {
  const header = /^\*(\d+)\r\n/.exec(text);
  if (header === null) return [undefined, text];
  let rest = text.slice(header[0].length);
  const words: string[] = [];
  for (let i = 0; i < Number(header[1]); i++) {
    const size = /^\$(\d+)\r\n/.exec(rest);
    if (size === null) return [undefined, text];
    const start = size[0].length;
    const end = start + Number(size[1]);
    if (rest.length < end + 2) return [undefined, text];
    words.push(rest.slice(start, end));
    rest = rest.slice(end + 2);
  }
  return [words, rest];
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
