/**
 * Escapes untrusted text for a terminal and for log lines.
 *
 * @module
 */

/**
 * What a terminal may interpret, what looks like the end of a line, and what changes the order of text: C0 except
 * the tab, DEL, C1, line separators, bidirectional marks, and zero-width characters.
 */
const UNSAFE =
  // deno-lint-ignore no-control-regex -- matching them is the purpose
  /[\0-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** The text on one line, unsafe characters escaped as `\x1b` or `\u202e`. */
export function printable(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** The same for several lines, each indented so that none looks like a line of the log itself. */
export function printableLines(text: string): string {
  return text.split(/\r?\n/).map((line) => `  ${printable(line)}`.trimEnd())
    .join("\n");
}

const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** A value as JSON on one line, unsafe characters escaped. A BigInt is an integer there. */
export function printableJson(value: unknown): string {
  const text = JSON.stringify(
    value,
    (_, part) => typeof part === "bigint" ? rawJSON(String(part)) : part,
  );
  return text.replace(UNSAFE, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function escaped(character: string): string {
  switch (character) {
    case "\n":
      return "\\n";
    case "\r":
      return "\\r";
  }
  const code = character.charCodeAt(0).toString(16);
  return code.length <= 2
    ? `\\x${code.padStart(2, "0")}`
    : `\\u${code.padStart(4, "0")}`;
}
