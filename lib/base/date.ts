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
  const whole = Math.floor(micros);
  const second = Math.floor(whole / 1_000_000);
  if (second !== lastSecond) {
    lastText = new Date(second * 1_000).toISOString().slice(0, -4);
    lastSecond = second;
  }
  return `${lastText}${String(whole - second * 1_000_000).padStart(6, "0")}Z`;
}

/** The second that was written last, in seconds since 1970 and up to its dot: most dates are of the same one. */
let lastSecond = NaN;
let lastText = "";

/** The second of the date that was written last, for others who may be in the same one. */
export function latestSecond(): { second: number; text: string } {
  return { second: lastSecond, text: lastText };
}

/** Microseconds since 1970, as fine as the clock tells. */
export function nowMicros(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 1_000);
}

/** Microseconds since 1970, each later than the one given before, however fast they are asked for. */
export function uniqueMicros(): number {
  return lastMicros = Math.max(nowMicros(), lastMicros + 1);
}

let lastMicros = 0;

/** Reads a date, or gives `null` for the empty text and for anything that is none. */
export function parseDate(text: string | undefined): Date | null {
  if (!text) return null;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? null : date;
}
