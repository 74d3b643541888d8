/**
 * The ids of executions: what tells one run of a job from its others.
 *
 * They have 16 hexadecimal digits and not a UUID's 32 as RQ's: an id has to be another one than the job's earlier
 * ones, stands three times in Redis, and with a job's UUID stays below the 64 bytes up to which a sorted set is compact.
 *
 * @module
 */

/** Digits of an id: a worker's prefix, and a number. */
export const EXECUTION_ID_LENGTH = 16;
/** What the ids of a worker begin with that has never more than one job in hand. */
export const ALONE_DIGIT = "1";
/** What those of any other worker begin with. */
const BESIDE_DIGIT = "2";

/**
 * What the ids of a worker's executions begin with: eight digits, all but the first at random.
 *
 * @param alone whether the worker has never more than one job in hand, so that no loss of it can be another job's doing
 */
export function executionPrefix(alone: boolean): string {
  const [random] = crypto.getRandomValues(new Uint32Array(1));
  const digits = (random! >>> 4).toString(16).padStart(7, "0");
  return `${alone ? ALONE_DIGIT : BESIDE_DIGIT}${digits}`;
}
