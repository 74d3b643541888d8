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
    const port = options.port ?? freePort();
    return new RedisServer(port, args, await spawnServer(port, args));
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
    this.#process = await spawnServer(this.port, this.#args);
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

/** A port that nobody listens on. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

async function spawnServer(
  port: number,
  args: readonly string[],
): Promise<Deno.ChildProcess> {
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
  for (let attempt = 0; attempt < 500; attempt++) {
    if (await answers(port)) return process;
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
  await open.write(new TextEncoder().encode("PING\r\n"));
  const buffer = new Uint8Array(64);
  return (await open.read(buffer) ?? 0) > 0;
}
