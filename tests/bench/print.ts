/** What the benchmark says: results on stdout, progress on stderr. */

const encoder = new TextEncoder();

/** Writes a text and a line's end to stdout. */
export function print(text: string): void {
  writeAll(Deno.stdout, `${text}\n`);
}

/** Writes a text and a line's end to stderr. */
export function note(text: string): void {
  writeAll(Deno.stderr, `${text}\n`);
}

function writeAll(
  stream: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  let rest = encoder.encode(text);
  while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
}
