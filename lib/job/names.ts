/**
 * Validates ids of jobs and names of queues.
 *
 * @module
 */

const JOB_ID = /^[A-Za-z0-9_-]+$/;
// deno-lint-ignore no-control-regex -- matching them is the purpose
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * Returns the id if it is valid. RQ 2.8 and later exit on an id with anything
 * but letters, digits, `_` and `-` in it.
 *
 * @param label What it is, in messages.
 * @throws {TypeError | RangeError} If it is not.
 */
export function checkJobId(id: string, label = "job id"): string {
  if (typeof id !== "string") {
    throw new TypeError(`Cannot use ${label}: expected text, got ${typeof id}`);
  }
  if (!JOB_ID.test(id)) {
    throw new RangeError(
      `Cannot use ${label} "${id}": expected letters, digits, "_" and "-" only`,
    );
  }
  return id;
}

/**
 * Returns the name if it is valid: any text without control characters.
 *
 * @throws {TypeError | RangeError} If it is not.
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

/**
 * Returns the name of a schedule if it is valid: up to 200 characters without control characters.
 *
 * @throws {TypeError | RangeError} If it is not.
 */
export function checkScheduleName(name: string): string {
  if (typeof name !== "string") {
    throw new TypeError(
      `Cannot use schedule name: expected text, got ${typeof name}`,
    );
  }
  if (name !== "" && name.length <= 200 && !CONTROL.test(name)) return name;
  throw new RangeError(
    `Cannot use schedule name ${
      JSON.stringify(name.slice(0, 200))
    }: expected 1 to 200 characters, none of them a control character`,
  );
}

/** Whether a queue can have this name. */
export function isQueueName(name: string): boolean {
  return name !== "" && !CONTROL.test(name);
}
