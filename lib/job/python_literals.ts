/**
 * `NaN`, `Infinity` and `-Infinity` in JSON, which Python writes and JavaScript does not read.
 *
 * @module
 */

/** JSON that `JSON.parse` reads, with what stands in it for the literals. */
export interface PlainJson {
  /** The text. */
  readonly json: string;
  /** Gives the number that a source stands for, or `undefined`. */
  readonly literal: (source: string | undefined) => number | undefined;
}

/** Writes numbers for the literals that appear nowhere else, so that they are told by their source. */
export function withoutLiterals(text: string): PlainJson {
  let nan = "0e-999";
  while (text.includes(nan)) nan += "9";
  let inf = "1e999";
  while (text.includes(inf)) inf += "9";
  const numbers = new Map([[nan, NaN], [inf, Infinity], [
    `-${inf}`,
    -Infinity,
  ]]);
  return {
    json: replaceLiterals(text, nan, inf),
    literal: (source) => source === undefined ? undefined : numbers.get(source),
  };
}

/** Replaces the three literals outside of strings, in linear time. */
function replaceLiterals(text: string, nan: string, inf: string): string {
  const token = /"|NaN|Infinity/g;
  const parts: string[] = [];
  let from = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    if (match[0] === '"') {
      token.lastIndex = endOfString(text, match.index + 1);
      continue;
    }
    parts.push(
      text.slice(from, match.index),
      match[0] === "NaN" ? nan : inf,
    );
    from = token.lastIndex;
  }
  parts.push(text.slice(from));
  return parts.join("");
}

function endOfString(text: string, from: number): number {
  for (let at = from;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length;
    let slashes = 0;
    while (text[quote - 1 - slashes] === "\\" && quote - slashes > from) {
      slashes++;
    }
    if (slashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}
