/**
 * The ids of executions: what tells one run of a job from its others, and whether it had its worker for itself.
 *
 * They have 16 hexadecimal digits and not a UUID's 32 as RQ's: an id has to be another one than the job's earlier
 * ones, stands three times in Redis, and with a job's UUID stays below the 64 bytes up to which a sorted set is compact.
 *
 * @module
 */

/** Digits of an id: a worker's prefix, and a number. */
export const EXECUTION_ID_LENGTH = 16;
/** What an id begins with if the worker takes nothing else in hand until that execution is over. */
export const ALONE_DIGIT = "1";
/** What any other begins with. */
const BESIDE_DIGIT = "2";

/** Seven digits at random, for one worker. */
export function randomWorkerDigits(): string {
  const [random] = crypto.getRandomValues(new Uint32Array(1));
  return (random! >>> 4).toString(16).padStart(7, "0");
}

/** What the ids of a claim begin with: eight digits. */
export function executionPrefix(workerDigits: string, alone: boolean): string {
  return `${alone ? ALONE_DIGIT : BESIDE_DIGIT}${workerDigits}`;
}

/** Whether an execution has its worker for itself, so that no loss of it can be another job's doing. */
export function isAloneId(id: string): boolean {
  return id.length === EXECUTION_ID_LENGTH && id.startsWith(ALONE_DIGIT);
}
