/**
 * Reads Python's literals, as RQ's `enqueue` does for arguments with `%`: `%"{'a': (1, None)}"`.
 *
 * @module
 */

/** What a letter behind a backslash means. */
const ESCAPES: Readonly<Record<string, string>> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

const CONSTANTS: Readonly<Record<string, unknown>> = {
  None: null,
  True: true,
  False: false,
};

const CLOSING: Readonly<Record<string, string>> = {
  "(": ")",
  "[": "]",
  "{": "}",
};

const NUMBER =
  /[+-]?\s*(?:0[xX](?:_?[\da-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:\d(?:_?\d)*)?\.?(?:\d(?:_?\d)*)?(?:[eE][+-]?\d(?:_?\d)*)?)/y;
const TEXT = /([rRuU]?)("""|'''|"|')/y;
const WORD = /[A-Za-z_]\w*/y;

/** How many brackets may be open, as in Python: "too many nested parentheses". */
const DEPTH = 200;

/**
 * The value of a literal. A tuple becomes a list, an integer beyond the safe ones a BigInt.
 *
 * @throws {SyntaxError} If it is no literal, or one that JSON cannot hold: bytes, a set, a complex number.
 */
export function parsePythonLiteral(text: string): unknown {
  return new Parser(text).parse();
}

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): unknown {
    const value = this.#value();
    this.#space();
    return this.#at === this.#text.length ? value : this.#fail();
  }

  #value(): unknown {
    this.#space();
    const open = this.#text[this.#at] ?? "";
    if (open === "{") return this.#dict();
    if (open === "(" || open === "[") return this.#list(open);
    if (this.#match(TEXT, { move: false })) return this.#texts();
    const word = this.#match(WORD)?.[0];
    if (word !== undefined) {
      return Object.hasOwn(CONSTANTS, word) ? CONSTANTS[word] : this.#fail();
    }
    return this.#number();
  }

  /** A list or a tuple; `(1)` is no tuple. */
  #list(open: string): unknown {
    const { items, commas } = this.#items(open, () => this.#value());
    return open === "(" && items.length === 1 && commas === 0
      ? items[0]
      : items;
  }

  #dict(): Record<string, unknown> {
    const { items } = this.#items("{", () => {
      const key = this.#value();
      this.#space();
      if (!this.#eat(":")) this.#fail(); // a set
      return [keyOf(key) ?? this.#fail(), this.#value()] as const;
    });
    return Object.fromEntries(items);
  }

  #items<T>(open: string, read: () => T): { items: T[]; commas: number } {
    if (++this.#depth > DEPTH) this.#fail();
    this.#at++;
    const items: T[] = [];
    let commas = 0;
    for (;;) {
      this.#space();
      if (this.#eat(CLOSING[open]!)) {
        this.#depth--;
        return { items, commas };
      }
      if (items.length > commas) this.#fail();
      items.push(read());
      this.#space();
      if (this.#eat(",")) commas++;
    }
  }

  /** Texts that stand side by side are one. */
  #texts(): string {
    let joined = "";
    for (;;) {
      this.#space();
      const start = this.#match(TEXT);
      if (start === undefined) return joined;
      const [, prefix = "", quote = ""] = start;
      joined += this.#rest(quote, /r/i.test(prefix));
    }
  }

  /** A text behind its quote. */
  #rest(quote: string, isRaw: boolean): string {
    let result = "";
    while (!this.#eat(quote)) {
      const letter = this.#text[this.#at++];
      if (letter === undefined || letter === "\n" && quote.length === 1) {
        return this.#fail();
      }
      if (letter !== "\\") result += letter;
      else if (isRaw) result += letter + (this.#text[this.#at++] ?? "");
      else result += this.#escaped();
    }
    return result;
  }

  #escaped(): string {
    const code = this.#match(
      /x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})/y,
    );
    if (code !== undefined) {
      const [, x, u, long, octal] = code;
      const number = octal === undefined
        ? parseInt((x ?? u ?? long)!, 16)
        : parseInt(octal, 8);
      return number > 0x10ffff ? this.#fail() : String.fromCodePoint(number);
    }
    const letter = this.#text[this.#at++] ?? "";
    if (/[xuUN]/.test(letter)) this.#fail();
    return Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter]! : `\\${letter}`;
  }

  #number(): unknown {
    const text = this.#match(NUMBER)?.[0].replaceAll(/[_\s]/g, "") ?? "";
    if (!/\d/.test(text) || /^[+-]?0\d*[1-9]\d*$/.test(text)) this.#fail();
    if (/[\w.]/.test(this.#text[this.#at] ?? "")) this.#fail();
    const [, sign = "", digits = ""] = /^([+-]?)(.*)$/.exec(text)!;
    if (/^(0[xXoObB])?[\da-fA-F]+$/.test(digits) && !/^\d+[eE]/.test(digits)) {
      const whole = BigInt(digits) * (sign === "-" ? -1n : 1n);
      const number = Number(whole);
      return Number.isSafeInteger(number) ? number : whole;
    }
    const number = Number(text);
    return Number.isFinite(number) ? number : this.#fail();
  }

  #space(): void {
    this.#match(/(?:\s|\\\n)*/y);
  }

  #eat(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #match(
    pattern: RegExp,
    { move } = { move: true },
  ): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text) ?? undefined;
    if (match !== undefined && move) this.#at += match[0].length;
    return match;
  }

  #fail(): never {
    throw new SyntaxError(
      `No literal of Python that JSON can hold, at character ${this.#at + 1}`,
    );
  }
}

/** A key of a dict as Python's `json` writes it; `undefined` for what it refuses. */
function keyOf(key: unknown): string | undefined {
  if (typeof key === "object" && key !== null) return undefined;
  return String(key); // null, true and numbers are written as in JSON
}
