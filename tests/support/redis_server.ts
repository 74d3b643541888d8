/** A private `redis-server` on a free port, for one test file or one test. */

/** How {@linkcode RedisServer.start} starts it. */
export interface RedisServerOptions {
  /** Further arguments of `redis-server`, such as `["--requirepass", "secret"]`. */
  readonly args?: readonly string[];
  /** The port; a free one by default. */
  readonly port?: number;
}

/** A running `redis-server` without persistence. Ends with `await using`. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #args: readonly string[];
  #process: Deno.ChildProcess;

  private constructor(
    port: number,
    args: readonly string[],
    process: Deno.ChildProcess,
  ) {
    this.port = port;
    this.#args = args;
    this.#process = process;
  }

  /** Starts a server and waits until it answers. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const args = options.args ?? [];
    for (;;) {
      const port = options.port ?? freePort();
      const process = await spawnServer(port, args);
      if (process !== null) return new RedisServer(port, args, process);
      if (options.port !== undefined) throw portTaken(port);
    }
  }

  /** The URL of database 0. */
  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** SIGKILL: connections break, data is gone. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
  }

  /** Starts a server on the same port after {@linkcode kill}. */
  async restart(): Promise<void> {
    const process = await spawnServer(this.port, this.#args);
    if (process === null) throw portTaken(this.port);
    this.#process = process;
  }

  /** SIGSTOP: sockets stay open, nothing answers (a black hole). */
  pause(): void {
    this.#process.kill("SIGSTOP");
  }

  /** SIGCONT after {@linkcode pause}. */
  resume(): void {
    this.#process.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended already
    }
    await this.#process.status;
  }
}

/**
 * A port that nobody listens on. It is below those that the system gives to
 * outgoing connections: one of these must not take it before the server does,
 * or while the server is down.
 */
export function freePort(): number {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

function portTaken(port: number): Error {
  return new Error(
    `Cannot start redis-server: it ended, port ${port} may be taken`,
  );
}

/** A server that answers, or null if it ended: another one was first to take the port. */
async function spawnServer(
  port: number,
  args: readonly string[],
): Promise<Deno.ChildProcess | null> {
  const process = new Deno.Command("redis-server", {
    args: [
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--appendonly",
      "no",
      ...args,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let ended = false;
  process.status.then(() => ended = true);
  for (let attempt = 0; attempt < 500; attempt++) {
    if (ended) return null;
    if (await answers(port) && !ended) return process;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  process.kill("SIGKILL");
  await process.status;
  throw new Error(
    `Cannot start redis-server on port ${port}: no answer in 5 seconds`,
  );
}

async function answers(port: number): Promise<boolean> {
  let connection: Deno.Conn;
  try {
    connection = await Deno.connect({ hostname: "127.0.0.1", port });
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
  using open = connection;
  try {
    await open.write(new TextEncoder().encode("PING\r\n"));
    return (await open.read(new Uint8Array(64)) ?? 0) > 0;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return false;
    throw error;
  }
}
