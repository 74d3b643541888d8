/** A server that takes webhooks. */

/** A request that it has got. */
export interface Got {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

/** Answers as it is told, and keeps what it gets. */
export class Hooks implements AsyncDisposable {
  readonly got: Got[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** Listens on a free port. */
  constructor(
    answer: (got: Got) => Response | Promise<Response> = () => new Response(),
  ) {
    const options = { port: 0, hostname: "127.0.0.1", onListen() {} };
    this.#server = Deno.serve(options, async (request) => {
      const { method, url, headers } = request;
      const { pathname: path } = new URL(url);
      const got = { method, path, headers, body: await request.text() };
      this.got.push(got);
      return await answer(got);
    });
  }

  /** Its host and port. */
  get host(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  /** Its URL, without a path. */
  get url(): string {
    return `http://${this.host}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}
