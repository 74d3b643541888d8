/** Unique jobs: keys that one job holds at a time. @module */

import { type Duration, parseDuration } from "../base/duration.ts";
import { optionNames, unknownOption } from "../base/option_names.ts";

/** A key that a job holds until it starts, or ends. */
export interface UniqueJob {
  /** What must not be there twice, such as `"invoice-7"`. Each queue has its own keys. */
  readonly key: string;
  /**
   * Until when the job holds the key: until a worker `started` it, or until it has `ended`: finished, failed for good,
   * stopped, canceled, deleted, expired. While it waits for a retry or a repeat, it has not ended.
   *
   * @default "ended"
   */
  readonly until?: "started" | "ended";
  /**
   * What happens if another job holds the key. `error` throws a `DuplicateJobError`. `skip` enqueues nothing and gives
   * the job that holds the key. `replace` deletes that job if it still waits, and the new one takes the key; one that
   * runs already goes on, and the new one is enqueued as well.
   *
   * @default "error"
   */
  readonly ifTaken?: "error" | "skip" | "replace";
  /** For {@linkcode Debounce} only. */
  readonly delay?: never;
  /** For {@linkcode Debounce} only. */
  readonly maxWait?: never;
}

/** A key that is held for a time from enqueueing on, whatever becomes of the job. */
export interface UniqueWindow {
  /** See {@linkcode UniqueJob.key}. */
  readonly key: string;
  /** For how long: seconds, fractions too, or text. */
  readonly until: Duration;
  /**
   * See {@linkcode UniqueJob.ifTaken}.
   *
   * @default "error"
   */
  readonly ifTaken?: "error" | "skip";
  /** For {@linkcode Debounce} only. */
  readonly delay?: never;
  /** For {@linkcode Debounce} only. */
  readonly maxWait?: never;
}

/**
 * Calls that put one job off: it runs once there has been no further call for a time. Its function, arguments,
 * description and meta are those of the last call, everything else is that of the first. A call while it runs
 * schedules a new job.
 */
export interface Debounce {
  /** See {@linkcode UniqueJob.key}. */
  readonly key: string;
  /** A call whose key is taken puts that job off. */
  readonly ifTaken: "debounce";
  /** How long after the last call the job is due: seconds, fractions too, or text. */
  readonly delay: Duration;
  /**
   * How long after the first call it is due at the latest.
   *
   * @default no limit
   */
  readonly maxWait?: Duration;
  /** The key is held until the job starts. */
  readonly until?: never;
}

/** What makes a job unique. */
export type Unique = UniqueJob | UniqueWindow | Debounce;

/** {@linkcode Unique} after the check, as it is stored. */
export interface CheckedUnique {
  /** `undefined` where the job's id has to be unique. */
  readonly key: string | undefined;
  /**
   * `id`; or until when the key is held (`started`, `ended`, or seconds), what happens if it is taken, and for
   * `debounce` the longest wait in seconds, if there is one.
   */
  readonly how: string;
  /** When a debounced job may run: `+` and seconds from now. */
  readonly due: string | undefined;
}

const OPTIONS = optionNames<UniqueJob>({
  key: true,
  until: true,
  ifTaken: true,
  delay: true,
  maxWait: true,
});

const ACTIONS = ["error", "skip", "replace", "debounce"];

const FRACTION = { fraction: true } as const;

/**
 * Checks the option `unique`.
 *
 * @throws {RangeError | TypeError} It says what the option could be.
 */
export function checkUnique(
  unique: true | Unique,
  jobId: string | undefined,
): CheckedUnique {
  if (unique === true) {
    if (jobId === undefined) {
      throw new TypeError(
        "Cannot use unique true: it needs a jobId; or give a key, unique: { key }",
      );
    }
    return { key: undefined, how: "id", due: undefined };
  }
  const unknown = unknownOption(unique, OPTIONS, "Cannot use unique");
  if (unknown !== undefined) {
    throw new TypeError(
      `Cannot use unique: there is no option "${unknown}", there are ${
        [...OPTIONS].join(", ")
      }`,
    );
  }
  const { key, ifTaken = "error" } = unique;
  if (typeof key !== "string") {
    throw new TypeError(
      `Cannot use unique.key: expected text, got ${typeof key}`,
    );
  }
  if (key === "") throw new RangeError("Cannot use unique.key: it is empty");
  if (!ACTIONS.includes(ifTaken)) {
    throw new RangeError(
      `Cannot use unique.ifTaken ${
        JSON.stringify(ifTaken) ?? typeof ifTaken
      }: expected ${ACTIONS.join(", ")}`,
    );
  }
  return unique.ifTaken === "debounce"
    ? checkDebounce(unique)
    : checkHold(unique);
}

function checkHold(unique: UniqueJob | UniqueWindow): CheckedUnique {
  const { key, until = "ended", ifTaken = "error", delay, maxWait } = unique;
  if (delay !== undefined || maxWait !== undefined) {
    throw new TypeError(
      `Cannot use unique.${
        delay === undefined ? "maxWait" : "delay"
      }: it is for ifTaken "debounce"`,
    );
  }
  if (until === "started" || until === "ended") {
    return { key, how: `${until} ${ifTaken}`, due: undefined };
  }
  const seconds = durationOf(until);
  if (ifTaken === "replace") {
    throw new TypeError(
      'Cannot use unique.ifTaken "replace" until a time has passed: expected error or skip, or until "started" or "ended"',
    );
  }
  return { key, how: `${seconds} ${ifTaken}`, due: undefined };
}

function durationOf(until: Duration): number {
  try {
    return parseDuration(until, "unique.until", FRACTION);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`${error.message}, "started" or "ended"`);
  }
}

function checkDebounce(unique: Debounce): CheckedUnique {
  const { key, maxWait, until } = unique;
  if (until !== undefined) {
    throw new TypeError(
      'Cannot use unique.until with ifTaken "debounce": its key is held until the job starts',
    );
  }
  const delay = parseDuration(unique.delay, "unique.delay", FRACTION);
  const due = `+${delay}`;
  if (maxWait === undefined) return { key, how: "started debounce", due };
  const most = parseDuration(maxWait, "unique.maxWait", FRACTION);
  if (most < delay) {
    throw new RangeError(
      `Cannot use unique.maxWait ${most} s: expected at least the delay, ${delay} s`,
    );
  }
  return { key, how: `started debounce ${most}`, due };
}
