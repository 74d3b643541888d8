/**
 * Dates as RQ writes them into hashes: UTC, `2026-11-23T02:37:08.111378Z`.
 *
 * @module
 */

/**
 * Writes a date with six fraction digits. A Python worker exits on any other
 * zone than `Z`, so nothing else is ever written.
 *
 * @param micros Microseconds since 1970; the clock's own reading by default.
 */
export function formatDate(micros: number = nowMicros()): string {
  const millis = Math.floor(micros / 1_000);
  const rest = Math.floor(micros - millis * 1_000);
  const text = new Date(millis).toISOString();
  return `${text.slice(0, -1)}${String(rest).padStart(3, "0")}Z`;
}

/** Microseconds since 1970, as fine as the clock tells. */
export function nowMicros(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 1_000);
}

/** Reads a date, or gives `null` for the empty text and for anything that is none. */
export function parseDate(text: string | undefined): Date | null {
  if (!text) return null;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? null : date;
}
