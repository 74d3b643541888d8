/**
 * Amounts of memory as users write them: megabytes, or text such as `"1.5GB"`.
 *
 * @module
 */

/** An amount of memory: megabytes, or text such as `"256MB"`, `"1.5GB"`; a megabyte is 1024 × 1024 bytes. */
export type Size = number | string;

const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
};

/**
 * Reads an amount of memory as whole bytes.
 *
 * @param label What the value is called in the error.
 * @throws {RangeError} If it is no positive amount.
 */
export function parseSize(value: Size, label: string): number {
  const match = /^(\d+(?:\.\d+)?) *(?:([kmg])(?:i?b)?)?$/i.exec(String(value));
  const unit = BYTES_PER_UNIT[match?.[2]?.toLowerCase() ?? "m"]!;
  const bytes = Math.floor(Number(match?.[1]) * unit);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new RangeError(
    `Cannot use ${label} ${
      JSON.stringify(value) ?? String(value)
    }: expected megabytes, or text such as 256MB, 1.5GB`,
  );
}
