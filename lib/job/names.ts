/**
 * What may be the id of a job or the name of a queue.
 *
 * @module
 */

const JOB_ID = /^[A-Za-z0-9_-]+$/;
// deno-lint-ignore no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * Gives the id back if it is one. RQ 2.8 and later exit on an id with anything
 * but letters, digits, `_` and `-` in it.
 *
 * @throws {TypeError | RangeError} if it is none
 */
export function checkJobId(id: string): string {
  if (typeof id !== "string") {
    throw new TypeError(`Cannot use job id: expected text, got ${typeof id}`);
  }
  if (!JOB_ID.test(id)) {
    throw new RangeError(
      `Cannot use job id "${id}": expected letters, digits, "_" and "-" only`,
    );
  }
  return id;
}

/**
 * Gives the name back if a queue can have it: any text without control characters.
 *
 * @throws {TypeError | RangeError} if it is none
 */
export function checkQueueName(name: string): string {
  if (typeof name !== "string") {
    throw new TypeError(
      `Cannot use queue name: expected text, got ${typeof name}`,
    );
  }
  if (isQueueName(name)) return name;
  throw new RangeError(
    name === ""
      ? `Cannot use queue name "": it is empty`
      : `Cannot use queue name ${
        JSON.stringify(name)
      }: it has a control character`,
  );
}

/** Tells whether a queue can have this name. */
export function isQueueName(name: string): boolean {
  return name !== "" && !CONTROL.test(name);
}
