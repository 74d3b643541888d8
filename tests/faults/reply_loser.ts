/** Losing replies. */

/** What is sent to end a job. As packed: the byte before it, which says how long it is, is no text. */
const ENDS = /\ufffd(finished|failed)\ufffd/;

/** A proxy that swallows the reply to every second batch of some kind, and cuts the connection. */
export class ReplyLoser implements AsyncDisposable {
  /** How many it has lost. */
  lost = 0;
  #seen = 0;
  readonly #most: number;
  readonly #target: number;
  readonly #pattern: RegExp;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #tasks: Promise<void>[] = [];

  /** Loses at most so many replies to what matches the pattern. */
  constructor(target: number, most: number, pattern: RegExp = ENDS) {
    this.#target = target;
    this.#pattern = pattern;
    this.#most = most;
    this.#tasks.push(this.#accept());
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#listener.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.#open.forEach(close);
    await Promise.all(this.#tasks);
  }

  async #accept(): Promise<void> {
    try {
      for await (const client of this.#listener) {
        this.#tasks.push(this.#join(client));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #join(client: Deno.Conn): Promise<void> {
    const server = await Deno.connect({ port: this.#target });
    this.#open.add(client).add(server);
    let loses = false;
    await Promise.all([
      copy(client, server, (sent) => {
        const isOne = this.#pattern.test(sent);
        if (isOne && this.lost < this.#most && ++this.#seen % 2 === 0) {
          loses = true;
        }
        return true;
      }),
      copy(server, client, () => {
        if (loses) this.lost++;
        return !loses;
      }),
    ]);
  }
}

/** Copies until the end, or until something must not pass; then cuts both directions. */
async function copy(
  from: Deno.Conn,
  to: Deno.Conn,
  passes: (text: string) => boolean,
): Promise<void> {
  const buffer = new Uint8Array(1 << 20);
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const size = await from.read(buffer);
      if (size === null) break;
      if (!passes(decoder.decode(buffer.subarray(0, size)))) break;
      for (let at = 0; at < size;) {
        at += await to.write(buffer.subarray(at, size));
      }
    }
  } catch {
    // The other direction has cut it.
  }
  close(from);
  close(to);
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
