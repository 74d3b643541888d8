/**
 * Times as people read them.
 *
 * @module
 */

/** Units of time, with how many seconds each has. */
const UNITS: readonly (readonly [unit: string, seconds: number])[] = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
];

/** A date in local time, `2026-11-28 15:39:46`; `-` for none. */
export function dateText(date: Date | null): string {
  if (date === null) return "-";
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace("T", " ");
}

/** A length of time in its two largest units: `3d 4h`, `12s`. */
export function spanText(seconds: number): string {
  let rest = Math.round(Math.abs(seconds));
  const first = UNITS.findIndex(([, size]) => rest >= size);
  if (first < 0) return "0s";
  const parts: string[] = [];
  for (const [unit, size] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
  }
  return parts.join(" ");
}

/** When something is, seen from now: `in 5m`, `2h 3m ago`; `-` for none. */
export function relativeText(
  date: Date | null,
  now: Date = new Date(),
): string {
  if (date === null) return "-";
  const seconds = (date.getTime() - now.getTime()) / 1_000;
  const span = spanText(seconds);
  return seconds > 0 ? `in ${span}` : `${span} ago`;
}
