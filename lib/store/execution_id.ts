/**
 * The ids of executions. An id distinguishes a run of a job from its other runs, and shows whether the job had its
 * worker for itself.
 *
 * It has 16 hexadecimal digits, rather than 32 as in RQ. It only needs to differ from earlier ids of the same job, is
 * stored three times in Redis, and together with a job's UUID stays below the 64 bytes up to which Redis stores sorted
 * sets compactly.
 *
 * @module
 */

/** The length of an id: a worker's prefix and a number. */
export const EXECUTION_ID_LENGTH = 16;
/** The first digit of an execution beside which the worker runs nothing else. */
export const ALONE_DIGIT = "1";
/** The first digit of any other execution. */
const BESIDE_DIGIT = "2";

/** Seven random digits for one worker. */
export function randomWorkerDigits(): string {
  const [random] = crypto.getRandomValues(new Uint32Array(1));
  return (random! >>> 4).toString(16).padStart(7, "0");
}

/** The first eight digits of the ids of one claim. */
export function executionPrefix(workerDigits: string, alone: boolean): string {
  return `${alone ? ALONE_DIGIT : BESIDE_DIGIT}${workerDigits}`;
}

/** Whether an execution had its worker for itself, so that no other job can have killed the worker. */
export function isAloneId(id: string): boolean {
  return id.length === EXECUTION_ID_LENGTH && id.startsWith(ALONE_DIGIT);
}
