/**
 * What is kept of a job's steps, so that a later run of the job goes on where an earlier one stopped.
 *
 * It is kept in fields of the job's hash, one for each step: so it lives, expires and is deleted with the job, whoever
 * deletes it, and a worker has it as soon as it has claimed the job.
 *
 * @module
 */

/** A field of which there is one for each name. */
export type StepField = `x_${"step" | "sleep" | "wait" | "signal"}:${string}`;

/** What a step has returned: JSON, or empty for `undefined`. In ASCII, as the reader of claimed jobs wants it. */
export function stepField(name: string): StepField {
  return `x_step:${encodeURIComponent(name)}`;
}

/** When a sleep is over, in seconds since 1970; or `over`, once it is. */
export function sleepField(name: string): StepField {
  return `x_sleep:${name}`;
}

/** The same for the longest wait for a signal; `never` if it has no limit. */
export function waitField(name: string): StepField {
  return `x_wait:${name}`;
}

/** A signal that the job was given: a token of the call, a space, and its value as a step's. */
export function signalField(name: string): StepField {
  return `x_signal:${name}`;
}

/**
 * The most that is kept of all steps and signals of a job together, in bytes: each claim of the job reads all of it, which
 * takes Redis some 2 ms.
 */
export const MOST_KEPT: number = 512 * 1024;

/** What each of them counts at least, in bytes. */
export const LEAST_KEPT = 512;

/** So there are never more than so many: 1,024. */
export const MOST_STEPS: number = MOST_KEPT / LEAST_KEPT;

/** The longest name, in UTF-16 code units. */
const LONGEST_NAME = 200;

/**
 * Checks the name of a step, a sleep or a signal.
 *
 * @param what What it names, such as `step`.
 * @throws {TypeError} If it is no text.
 * @throws {RangeError} If it is empty, too long, or no Unicode text.
 */
export function checkStepName(name: unknown, what: string): string {
  if (typeof name !== "string") {
    throw new TypeError(`Cannot use ${what} ${String(name)}: it is no text`);
  }
  if (name === "" || name.length > LONGEST_NAME || !name.isWellFormed()) {
    throw new RangeError(
      `Cannot use ${what} ${
        JSON.stringify(name)
      }: expected Unicode text of 1 to ${LONGEST_NAME} characters`,
    );
  }
  return name;
}

/** The names of signals in a job's hash; none if it is no list. */
export function signalsOfText(text: string | undefined): string[] {
  try {
    const list: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(list)
      ? list.filter((name) => typeof name === "string")
      : [];
  } catch {
    return []; // somebody else has written it
  }
}

/** When a sleeping job goes on, whichever comes first. */
export interface Wake {
  /** In seconds since 1970; `null` for never. */
  readonly at: number | null;
  /** The names of signals. */
  readonly signals: readonly string[];
}
