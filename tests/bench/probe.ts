/**
 * A look at the server that costs it next to nothing: one socket, one command
 * at a time, no client library, from the process that measures and does nothing else.
 */

/** A reply of the server. */
export type ProbeReply = string | number | null | ProbeReply[];

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const LF = 10;

/** Writes a command as the server reads it. */
export function encodeCommand(words: readonly (string | number)[]): Uint8Array {
  const parts = words.map((word) => {
    const text = String(word);
    return `$${encoder.encode(text).length}\r\n${text}\r\n`;
  });
  return encoder.encode(`*${words.length}\r\n${parts.join("")}`);
}

/** One connection to the server that is measured. */
export class Probe implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #chunk = new Uint8Array(65_536);
  #buffer = new Uint8Array(0);
  #at = 0;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects to a server on this machine. */
  static async open(port: number): Promise<Probe> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay(true);
    return new Probe(connection);
  }

  /** Sends a command and gives its reply; an error reply is thrown. */
  async send(...words: (string | number)[]): Promise<ProbeReply> {
    await this.#write(encodeCommand(words));
    return await this.#reply();
  }

  /** Sends a command whose reply is a number. */
  async number(...words: (string | number)[]): Promise<number> {
    return Number(await this.send(...words));
  }

  /** Sends commands written beforehand together, and waits for all replies. */
  async pipeline(bytes: Uint8Array, replies: number): Promise<void> {
    const written = this.#write(bytes);
    for (let i = 0; i < replies; i++) await this.#reply();
    await written;
  }

  /** One section of INFO by field. */
  async info(section: string): Promise<Map<string, string>> {
    const text = String(await this.send("INFO", section));
    return new Map(
      text.split("\r\n").filter((line) => line.includes(":")).map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon), line.slice(colon + 1)] as const;
      }),
    );
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.#connection.close();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      rest = rest.subarray(await this.#connection.write(rest));
    }
  }

  async #reply(): Promise<ProbeReply> {
    const line = await this.#line();
    const rest = line.slice(1);
    switch (line[0]) {
      case "+":
        return rest;
      case ":":
        return Number(rest);
      case "-":
        throw new Error(`Cannot probe the server: it says ${rest}`);
      case "$":
        return rest === "-1" ? null : await this.#bulk(Number(rest));
      case "*": {
        const replies: ProbeReply[] = [];
        for (let i = 0; i < Number(rest); i++) {
          replies.push(await this.#reply());
        }
        return replies;
      }
      default:
        throw new Error(`Cannot probe the server: it says ${line}`);
    }
  }

  async #line(): Promise<string> {
    let end = this.#buffer.indexOf(LF, this.#at);
    while (end < 0) {
      await this.#fill();
      end = this.#buffer.indexOf(LF, this.#at);
    }
    const line = decoder.decode(this.#buffer.subarray(this.#at, end - 1));
    this.#at = end + 1;
    return line;
  }

  async #bulk(length: number): Promise<string> {
    while (this.#buffer.length - this.#at < length + 2) await this.#fill();
    const text = decoder.decode(
      this.#buffer.subarray(this.#at, this.#at + length),
    );
    this.#at += length + 2;
    return text;
  }

  async #fill(): Promise<void> {
    const size = await this.#connection.read(this.#chunk);
    if (size === null) {
      throw new Error("Cannot probe the server: it closed the connection");
    }
    const rest = this.#buffer.subarray(this.#at);
    const buffer = new Uint8Array(rest.length + size);
    buffer.set(rest);
    buffer.set(this.#chunk.subarray(0, size), rest.length);
    this.#buffer = buffer;
    this.#at = 0;
  }
}
