/**
 * Lengths of time as users write them: seconds, or text such as `"1h30m"`.
 *
 * @module
 */

const SECONDS_PER_UNIT: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3_600,
  d: 86_400,
};

/**
 * The longest duration, a century in seconds, which Redis' `EXPIRE` and Python take without trouble. A longer one
 * that another program has stored counts as a century.
 */
export const MAX_SECONDS: number = 100 * 365 * 86_400;

/**
 * A length of time: seconds, or text such as `"90"`, `"90s"`, `"5m"`,
 * `"1h30m"`, `"1d"`.
 */
export type Duration = number | string;

/** What {@linkcode parseDuration} accepts besides positive durations. */
export interface ParseDurationOptions {
  /**
   * Whether `-1` is accepted, which stands for "no limit" or "for ever".
   *
   * @default false
   */
  readonly unlimited?: boolean;
  /**
   * Whether `0` is accepted.
   *
   * @default false
   */
  readonly zero?: boolean;
  /**
   * Whether fractions of a second are accepted, as in `0.5`.
   *
   * @default false
   */
  readonly fraction?: boolean;
  /**
   * Whether `Infinity` is accepted.
   *
   * @default false
   */
  readonly infinite?: boolean;
}

/**
 * Reads a duration as seconds, whole ones unless `options` allow fractions.
 *
 * @param label What the value is called in the error, such as `"timeout"`.
 * @throws {RangeError} If it is no duration, or one that `options` do not allow.
 *
 * @example
 * ```ts
 * import { parseDuration } from "./duration.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseDuration("1h30m", "timeout"), 5_400);
 * ```
 */
export function parseDuration(
  value: Duration,
  label: string,
  options: ParseDurationOptions = {},
): number {
  const seconds = typeof value === "string" ? secondsOfText(value) : value;
  if (options.unlimited && seconds === -1) return seconds;
  if (options.infinite && seconds === Infinity) return seconds;
  const least = options.zero ? 0 : options.fraction ? Number.MIN_VALUE : 1;
  const isNumber = options.fraction
    ? Number.isFinite(seconds)
    : Number.isInteger(seconds);
  if (!isNumber || seconds < least || seconds > MAX_SECONDS) {
    const allowed = [
      options.fraction
        ? `seconds ${options.zero ? "from" : "above"} 0`
        : `whole seconds from ${least}`,
      `text such as "90s", "5m" or "1h30m"`,
      ...(options.unlimited ? ["-1 for no limit"] : []),
      ...(options.infinite ? ["Infinity for no limit"] : []),
    ].join(", ");
    throw new RangeError(
      `Cannot read ${label} ${show(value)}: expected ${allowed}`,
    );
  }
  return seconds;
}

function secondsOfText(text: string): number {
  if (/^(-1|\d+)$/.test(text)) return Number(text);
  if (!/^(\d+[smhd])+$/.test(text)) return NaN;
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)([smhd])/g)) {
    seconds += Number(amount) * SECONDS_PER_UNIT[unit!]!;
  }
  return seconds;
}

function show(value: unknown): string {
  return typeof value === "string" ? `"${value}"` : String(value);
}
