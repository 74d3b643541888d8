/** Losing replies. */

import { type Passage, ReadingProxy } from "./proxy.ts";

/** What is sent to end a job. As packed: the byte before it, which says how long it is, is no text. */
const ENDS = /\ufffd(finished|failed)\ufffd/;

/** A proxy that swallows the reply to every second batch of some kind, and cuts the connection. */
export class ReplyLoser implements AsyncDisposable {
  /** How many it has lost. */
  lost = 0;
  #seen = 0;
  readonly #most: number;
  readonly #pattern: RegExp;
  readonly #proxy: ReadingProxy;

  /** Loses at most so many replies to what matches the pattern. */
  constructor(target: number, most: number, pattern: RegExp = ENDS) {
    this.#most = most;
    this.#pattern = pattern;
    this.#proxy = new ReadingProxy(target, () => this.#passage());
  }

  get url(): string {
    return this.#proxy.url;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#proxy[Symbol.asyncDispose]();
  }

  #passage(): Passage {
    let loses = false;
    return {
      sent: (text) => {
        const isOne = this.#pattern.test(text);
        if (isOne && this.lost < this.#most && ++this.#seen % 2 === 0) {
          loses = true;
        }
        return true;
      },
      replied: () => {
        if (loses) this.lost++;
        return !loses;
      },
    };
  }
}
