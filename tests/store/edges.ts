/** What the tests of edges between jobs share. */

import type { IfParentFails } from "../../lib/job/dependency.ts";
import type { AddOptions } from "./support.ts";

/** What a child is enqueued with: it waits for a parent, with a policy. */
export function childOf(
  parent: string | readonly string[],
  policy: IfParentFails,
  options: AddOptions = {},
): AddOptions {
  const dependsOn = typeof parent === "string" ? [parent] : parent;
  const fields = {
    ...policyFields({ "*": policy }),
    ...options.fields,
  };
  return { ...options, dependsOn, fields };
}

/** The field that says what becomes of a child, by the ids of parents, `*` for all others. */
export function policyFields(
  policies: Readonly<Record<string, IfParentFails>>,
): { readonly x_if_parent_fails: string } {
  return { x_if_parent_fails: JSON.stringify(policies) };
}
