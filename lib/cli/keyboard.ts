/**
 * Single keys, without Enter.
 *
 * @module
 */

/** What Ctrl-C is where the terminal makes no signal of it. */
const INTERRUPT = "\x03";

/** Listens for a key until it is disposed of. Ctrl-C counts as such a key: while keys are read, it is no signal. */
export class Keyboard implements Disposable {
  readonly #pressed = new AbortController();
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

  /** @param isIt Whether a key is the one that is waited for. */
  constructor(isIt: (key: string) => boolean) {
    if (!Deno.stdin.isTerminal()) return;
    Deno.stdin.setRaw(true);
    this.#reader = Deno.stdin.readable.getReader();
    this.#listen(isIt, this.#reader);
  }

  /** Aborted when the key is pressed. */
  get pressed(): AbortSignal {
    return this.#pressed.signal;
  }

  [Symbol.dispose](): void {
    if (this.#reader === undefined) return;
    Deno.stdin.setRaw(false);
    // A pending read would keep the program alive.
    this.#reader.cancel();
  }

  async #listen(
    isIt: (key: string) => boolean,
    reader: ReadableStreamDefaultReader<Uint8Array>,
  ): Promise<void> {
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const keys = [...decoder.decode(value, { stream: true })];
      if (!keys.some((key) => key === INTERRUPT || isIt(key))) continue;
      this.#pressed.abort();
      return;
    }
  }
}
