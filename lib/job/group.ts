/** The group of a job. @module */

/** A group, or its id. */
export type GroupOrId = string | { readonly id: string };

/**
 * The id of a group.
 *
 * @throws {RangeError | TypeError} If it can be none.
 */
export function checkGroup(group: GroupOrId): string {
  const id = typeof group === "object" && group !== null ? group.id : group;
  if (typeof id !== "string") {
    throw new TypeError(
      `Cannot use group: expected a group or its id, got ${
        group === null ? "null" : typeof group
      }`,
    );
  }
  if (id === "") throw new RangeError("Cannot use group: its id is empty");
  return id;
}
