/** A private `redis-server` on a free port, for one test file, one test or one task. */

/** Options of {@linkcode RedisServer.start}. */
export interface RedisServerOptions {
  /** Further arguments of `redis-server`, such as `["--requirepass", "secret"]`. */
  readonly args?: readonly string[];
  /** The port; a free one by default. */
  readonly port?: number;
  /** The file with the settings of a Sentinel, which is then what is started. */
  readonly sentinel?: string;
}

/**
 * Starts the server, prints its process id, and ends it when stdin ends: however
 * this process ends, by Ctrl-C or SIGKILL, the server ends too. Ends when the
 * server does.
 */
const GUARD = `
exec 3<&0
"$@" >/dev/null 2>&1 3<&- &
server=$!
echo "$server"
{ read -r _ <&3; kill -KILL "$server" 2>/dev/null; } &
wait "$server"
kill "$!" 2>/dev/null
`;

/** How many ports are tried. Limited, so that a server that cannot start at all is reported. */
const ATTEMPTS = 5;

/** A running `redis-server` without persistence. Ends with `await using`. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #args: readonly string[];
  #guarded: GuardedServer;

  private constructor(
    port: number,
    args: readonly string[],
    guarded: GuardedServer,
  ) {
    this.port = port;
    this.#args = args;
    this.#guarded = guarded;
  }

  /** Starts a server and waits until it answers. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const args = argsOf(options);
    for (let attempt = 1;; attempt++) {
      const port = options.port ?? freePort();
      const guarded = await startGuarded(port, args);
      if (guarded !== null) return new RedisServer(port, args, guarded);
      if (options.port !== undefined || attempt === ATTEMPTS) {
        throw cannotStart(port);
      }
    }
  }

  /** The URL of database 0. */
  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** SIGKILL: connections break, data is gone. */
  async kill(): Promise<void> {
    await this.#guarded.end();
  }

  /** Starts a server on the same port after {@linkcode kill}. */
  async restart(): Promise<void> {
    const guarded = await startGuarded(this.port, this.#args);
    if (guarded === null) throw cannotStart(this.port);
    this.#guarded = guarded;
  }

  /** SIGSTOP: sockets stay open, nothing answers (a black hole). */
  pause(): void {
    Deno.kill(this.#guarded.pid, "SIGSTOP");
  }

  /** SIGCONT after {@linkcode pause}. */
  resume(): void {
    Deno.kill(this.#guarded.pid, "SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#guarded.end();
  }
}

/** What a server is started with besides its port. Data are only in memory. */
function argsOf({ args = [], sentinel }: RedisServerOptions): string[] {
  return sentinel === undefined
    ? ["--save", "", "--appendonly", "no", ...args]
    : [sentinel, "--sentinel", ...args];
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

function cannotStart(port: number): Error {
  return new Error(
    `Cannot start redis-server: it ended; port ${port} may be taken, or an argument wrong`,
  );
}

interface GuardedServer {
  /** The server's own process id. */
  readonly pid: number;
  /** Kills the server; does nothing if it has ended. */
  end(): Promise<void>;
}

/** A server that answers, or null if it ended before it did. */
async function startGuarded(
  port: number,
  args: readonly string[],
): Promise<GuardedServer | null> {
  const settings = ["--port", `${port}`, "--bind", "127.0.0.1"];
  const server = ["redis-server", ...args, ...settings];
  const guard = new Deno.Command("sh", {
    args: ["-c", GUARD, "sh", ...server],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
    // Ctrl-C is for the program, which may still need the server to end well.
    detached: true,
  }).spawn();
  let closing: Promise<void> | undefined;
  let hasEnded = false;
  const ended = guard.status.then(() => hasEnded = true);
  const guarded = {
    pid: await firstNumber(guard.stdout),
    async end() {
      closing ??= guard.stdin.close().catch(ignoreBrokenPipe);
      await closing;
      await ended;
    },
  };
  for (let attempt = 0; attempt < 500 && !hasEnded; attempt++) {
    if (await answersAs(guarded.pid, port)) return guarded;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await guarded.end();
  return null;
}

async function firstNumber(
  stream: ReadableStream<Uint8Array>,
): Promise<number> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes("\n")) break; // which also closes the pipe
  }
  return parseInt(text);
}

function ignoreBrokenPipe(error: unknown): void {
  if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
}

/** Whether it is this server that answers: another one may have taken the port first. */
async function answersAs(pid: number, port: number): Promise<boolean> {
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode("INFO server\r\n"));
    const reply = await readReply(connection);
    // Without the password, a server does not answer INFO.
    return reply.startsWith("-NOAUTH") ||
      reply.includes(`\r\nprocess_id:${pid}\r\n`);
  } catch (error) {
    if (
      error instanceof Deno.errors.ConnectionRefused ||
      error instanceof Deno.errors.ConnectionReset
    ) return false;
    throw error;
  }
}

/** An error, or the beginning of a bulk string that contains the process id. */
async function readReply(connection: Deno.Conn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(8_192);
  let reply = "";
  while (!reply.startsWith("-") && !/process_id:\d+\r\n/.test(reply)) {
    const n = await connection.read(buffer);
    if (n === null) break;
    reply += decoder.decode(buffer.subarray(0, n));
  }
  return reply;
}
