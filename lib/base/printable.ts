/**
 * Text from outside, made fit for a terminal and for a line of a log.
 *
 * @module
 */

/**
 * What a terminal may obey, or what may look like the end of a line or change its order: C0 but for the tab, DEL, C1,
 * line separators, marks of direction, and characters without width.
 */
const UNSAFE =
  // deno-lint-ignore no-control-regex -- those are what is looked for
  /[\0-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** The same text on one line: whatever a terminal may obey stands there as `\x1b` or `\u202e`. */
export function printable(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** The same for text of several lines, each of which is indented: none of them looks like a line of the log itself. */
export function printableLines(text: string): string {
  return text.split(/\r?\n/).map((line) => `  ${printable(line)}`.trimEnd())
    .join("\n");
}

/** A value as JSON on one line, in which a terminal finds nothing to obey either. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, (character) => {
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
