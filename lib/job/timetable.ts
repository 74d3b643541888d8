/**
 * When a schedule runs: at the times of a cron expression, or again and again after an interval. `croner` reads
 * expressions; how they meet the clock of a time zone is decided here. Not for jobs' processes, which load no package.
 *
 * All times are seconds since 1970, whole ones.
 *
 * @module
 */

import { Cron } from "@hexagon/croner";
import { type Duration, parseDuration } from "../base/duration.ts";
import { optionNames, unknownOption } from "../base/option_names.ts";

/** An interval instead of a cron expression. */
export interface Every {
  /** Seconds, or text such as `"15m"`. */
  readonly every: Duration;
}

/**
 * When a schedule runs: a cron expression of five fields (`"minute hour day month weekday"`), or of six with the second
 * before them; or an interval.
 */
export type When = string | Every;

/** {@linkcode When} after the check, as it is stored. */
export type Timing =
  | { readonly cron: string; readonly timeZone: string }
  | { readonly every: number };

/** The slots of a schedule: the times at which it runs. */
export interface Timetable {
  /** The first slot after a time; `undefined` if there is none. */
  next(after: number): number | undefined;
}

const EVERY = optionNames<Every>({ every: true });

/** The fields of an expression, in their order; the first may be left out. */
const FIELDS = "[second] minute hour day month weekday";

/** Fields for hours that mean every hour. */
const EVERY_HOUR: readonly string[] = ["*", "*/1", "0-23", "?"];

/**
 * Checks when a schedule is to run.
 *
 * @param timeZone Of an expression: an IANA name.
 * @throws {RangeError | TypeError} It says what it could be.
 */
export function checkTiming(when: When, timeZone: string | undefined): Timing {
  if (typeof when === "string") {
    const timing = {
      cron: when.trim().split(/\s+/).join(" "),
      timeZone: checkTimeZone(timeZone ?? "UTC"),
    };
    if (cronTimetable(timing).next(0) !== undefined) return timing;
    throw new RangeError(
      `Cannot use the expression "${when}": there is no such date`,
    );
  }
  const unknown = unknownOption(when, EVERY, "Cannot use the interval");
  if (unknown !== undefined) {
    throw new TypeError(
      `Cannot use the interval: there is no option "${unknown}", expected { every: "15m" }`,
    );
  }
  if (timeZone !== undefined) {
    throw new TypeError(
      "Cannot use timeZone: an interval is the same in all of them, it is for cron expressions",
    );
  }
  return { every: parseDuration(when.every, "every") };
}

/**
 * Reads a timing that is stored.
 *
 * @throws {RangeError | TypeError | SyntaxError} If it is none: another program may have stored it.
 */
export function parseTiming(text = ""): Timing {
  const { cron, timeZone, every } = JSON.parse(text) as Record<string, unknown>;
  return typeof cron === "string"
    ? checkTiming(cron, timeZone as string)
    : checkTiming({ every: every as number }, undefined);
}

/** The first slot of a new schedule: an interval begins at once. */
export function firstSlot(timing: Timing, now: number): number {
  if ("every" in timing) return now;
  const slot = timetableOf(timing, now).next(now);
  if (slot !== undefined) return slot;
  throw new RangeError(
    `Cannot use the expression "${timing.cron}": its last date is past`,
  );
}

/**
 * The timetable of a schedule.
 *
 * @param start The first slot of an interval.
 */
export function timetableOf(timing: Timing, start: number): Timetable {
  if ("cron" in timing) return cronTimetable(timing);
  const { every } = timing;
  return {
    next: (after) =>
      after < start
        ? start
        : start + (Math.floor((after - start) / every) + 1) * every,
  };
}

/**
 * The slots of an expression in a time zone. Where the clock is set, an expression for every hour, such as `0 * * * *`,
 * follows the time that passes. Any other one follows the clock: what falls into an hour that is left out runs once,
 * when the clock is set; what falls into an hour that comes twice runs in the first.
 */
function cronTimetable(
  { cron, timeZone }: Extract<Timing, { cron: string }>,
): Timetable {
  const pattern = readExpression(cron);
  const hours = cron.split(" ").at(-4)!;
  const next = EVERY_HOUR.includes(hours) ? nextByTime : nextByClock;
  return {
    next: (after) => {
      const found = next(pattern, zoned(after * 1_000, timeZone));
      return found === undefined ? undefined : found / 1_000;
    },
  };
}

/** Computes with dates of clocks, which are given and returned as if they were UTC. */
type Pattern = (after: number) => number | undefined;

function readExpression(expression: string): Pattern {
  const { length } = expression.split(" ");
  let why = `it has ${length} ${length === 1 ? "field" : "fields"}`;
  if (length === 5 || length === 6) {
    try {
      // Not its time zone "UTC", with which it takes thirty times as long.
      const pattern = new Cron(expression, { utcOffset: 0 });
      return (after) => pattern.nextRun(new Date(after))?.getTime();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      why = error.message.replace(/^CronPattern: /, "");
    }
  }
  throw new RangeError(
    `Cannot use the expression "${expression}": ${why}; expected "${FIELDS}", such as "0 2 * * *" for every day at 2:00`,
  );
}

/** No clock is set twice in this time, in milliseconds: then the same offset at both ends means that it was not set. */
const STEADY_MS = 86_400_000;

/** Between two settings of the clock, time passes as the clock shows. */
function nextByTime(
  pattern: Pattern,
  after: Temporal.ZonedDateTime,
): number | undefined {
  let from = after;
  let shown = clockOf(after);
  for (;;) {
    const found = pattern(shown);
    if (found === undefined) return undefined;
    const at = found - offsetOf(from);
    const isNear = at - from.epochMilliseconds <= STEADY_MS;
    if (isNear && offsetOf(zoned(at, from.timeZoneId)) === offsetOf(from)) {
      return at;
    }
    const change = from.getTimeZoneTransition("next");
    if (change === null || at < change.epochMilliseconds) return at;
    from = change;
    shown = clockOf(change) - 1;
  }
}

function nextByClock(
  pattern: Pattern,
  after: Temporal.ZonedDateTime,
): number | undefined {
  let shown: number | undefined = lastShown(after);
  for (;;) {
    shown = pattern(shown);
    if (shown === undefined) return undefined;
    const at = momentOf(shown, after.timeZoneId);
    if (at > after.epochMilliseconds) return at;
  }
}

/** What the clock shows; in an hour that comes for the second time, what it showed last in the first. */
function lastShown(at: Temporal.ZonedDateTime): number {
  const shown = clockOf(at);
  const dayBefore = zoned(at.epochMilliseconds - STEADY_MS, at.timeZoneId);
  if (offsetOf(dayBefore) === offsetOf(at)) return shown;
  const change = at.add({ seconds: 1 }).getTimeZoneTransition("previous");
  if (change === null) return shown;
  const before = offsetOf(change.subtract({ seconds: 1 }));
  return Math.max(shown, change.epochMilliseconds + before - 1);
}

/** When a clock first shows something; when it is set, if it never does. */
function momentOf(shown: number, timeZone: string): number {
  const plain = Temporal.Instant.fromEpochMilliseconds(shown)
    .toZonedDateTimeISO("UTC").toPlainDateTime();
  const at = plain.toZonedDateTime(timeZone); // of two the first, of none a later one
  if (clockOf(at) === shown) return at.epochMilliseconds;
  const change = at.add({ seconds: 1 }).getTimeZoneTransition("previous");
  return change?.epochMilliseconds ?? at.epochMilliseconds;
}

function zoned(ms: number, timeZone: string): Temporal.ZonedDateTime {
  if (!("Temporal" in globalThis)) {
    throw new TypeError(
      'Cannot use a cron expression: this runtime has no Temporal, which Deno has, and Node from 26 on; an interval needs none: { every: "1d" }',
    );
  }
  return Temporal.Instant.fromEpochMilliseconds(ms)
    .toZonedDateTimeISO(timeZone);
}

function offsetOf(at: Temporal.ZonedDateTime): number {
  return at.offsetNanoseconds / 1_000_000;
}

function clockOf(at: Temporal.ZonedDateTime): number {
  return at.epochMilliseconds + offsetOf(at);
}

function checkTimeZone(timeZone: string): string {
  if (typeof timeZone !== "string") {
    throw new TypeError(
      `Cannot use timeZone: expected text, got ${typeof timeZone}`,
    );
  }
  try {
    zoned(0, timeZone);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(
      `Cannot use timeZone "${timeZone}": expected an IANA name, such as "Europe/Berlin" or "UTC"`,
      { cause: error },
    );
  }
  return timeZone;
}
