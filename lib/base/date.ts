/**
 * Dates as RQ writes them into hashes: UTC, `2026-11-23T02:37:08.111378Z`.
 *
 * @module
 */

/**
 * Writes a date with six fraction digits and `Z`: a Python worker exits on any other zone.
 *
 * @param micros Microseconds since 1970; the clock's own reading by default.
 */
export function formatDate(micros: number = nowMicros()): string {
  const whole = Math.floor(micros);
  const second = Math.floor(whole / 1_000_000);
  const fraction = String(whole - second * 1_000_000).padStart(6, "0");
  return `${formatSecond(second)}.${fraction}Z`;
}

/** Writes a date up to its second, `2026-11-23T02:37:08`, given the seconds since 1970. */
export function formatSecond(second: number): string {
  if (second !== lastSecond) {
    lastText = new Date(second * 1_000).toISOString().slice(0, -5);
    lastSecond = second;
  }
  return lastText;
}

/** The last second that was formatted, and its text: most dates fall into the same second as the one before. */
let lastSecond = NaN;
let lastText = "";

/** Microseconds since 1970, as precise as the clock is. */
export function nowMicros(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 1_000);
}

/** Microseconds since 1970, strictly increasing from call to call. */
export function uniqueMicros(): number {
  return lastMicros = Math.max(nowMicros(), lastMicros + 1);
}

let lastMicros = 0;

/** Reads a date; `null` for the empty text and for anything that is no date. */
export function parseDate(text: string | undefined): Date | null {
  if (!text) return null;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** Reads seconds since 1970, as a number or as text; `null` for anything else. */
export function dateOfSeconds(seconds: unknown): Date | null {
  const isNumber = typeof seconds === "number" ||
    typeof seconds === "string" && seconds !== "";
  const date = new Date(isNumber ? Number(seconds) * 1_000 : NaN);
  return Number.isNaN(date.getTime()) ? null : date;
}
