/** A proxy in front of Redis that reads along, and may cut a connection at a chosen moment. */

/** What may pass on one connection: called before each chunk is passed on; `false` cuts the connection. */
export interface Passage {
  /** From the client. */
  sent(text: string): boolean;
  /** From the server. */
  replied(text: string): boolean;
}

/** See the module. */
export class ReadingProxy implements AsyncDisposable {
  readonly #target: number;
  readonly #passage: () => Passage;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #tasks: Promise<void>[] = [];

  /** In front of a port; `passage` is called for each connection. */
  constructor(target: number, passage: () => Passage) {
    this.#target = target;
    this.#passage = passage;
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
    const passage = this.#passage();
    await Promise.all([
      copy(client, server, (text) => passage.sent(text)),
      copy(server, client, (text) => passage.replied(text)),
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
