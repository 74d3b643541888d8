/**
 * JSON with comments, which `deno.json` may have.
 *
 * @module
 */

const STRING_OR_COMMENT = /"(?:\\.|[^"\\])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
const STRING_OR_LAST_COMMA = /"(?:\\.|[^"\\])*"|,(?=\s*[}\]])/g;

/**
 * Reads JSON that may have comments and a comma after the last entry.
 *
 * @throws {SyntaxError} If it is not JSON.
 */
export function parseJsonc(text: string): unknown {
  const keepStrings = (found: string) => found.startsWith('"') ? found : " ";
  return JSON.parse(
    text.replace(/^\uFEFF/, "")
      .replace(STRING_OR_COMMENT, keepStrings)
      .replace(STRING_OR_LAST_COMMA, keepStrings),
  );
}
