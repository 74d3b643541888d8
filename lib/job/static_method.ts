/**
 * Static methods as jobs: `Mailer.send` is the method `send` of the export `Mailer`, a class or an object.
 *
 * @module
 */

import {
  descriptorOf,
  execPattern,
  hasOwn,
  isArray,
  lastIndexOfText,
  ownNamesOf,
  sliceText,
  sourceOf,
} from "../base/primordials.ts";

const CLASS = /^class[\s{]/;

/**
 * Whether a value is a class or an object, whose own functions can be jobs. Not a function: what `job()` and others attach
 * to one is not meant to be called by whoever can write to Redis.
 */
function hasStaticMethods(value: unknown): value is object {
  if (typeof value === "object") return value !== null && !isArray(value);
  return typeof value === "function" &&
    execPattern(CLASS, sourceOf(value as () => unknown)) !== null;
}

/** The name under which a class or object has a function itself. */
export function methodOf(func: unknown, owner: unknown): string | undefined {
  if (!hasStaticMethods(owner)) return undefined;
  const names = ownNamesOf(owner);
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    if (lastIndexOfText(name, ".") >= 0) continue; // it could not be read again
    if (descriptorOf(owner, name)?.value === func) return name;
  }
  return undefined;
}

/** What a name leads to. */
export type Named =
  | {
    readonly type: "found";
    /** Usually a function. */
    readonly value: unknown;
    /** The class or object that has it; `undefined` for an export. */
    readonly owner: object | undefined;
  }
  | {
    /** There is no export of the name `owner`, or it has no such method. */
    readonly type: "no export" | "no method";
    readonly owner: string;
  };

/**
 * Finds what `send` or `Mailer.send` means among a module's exports: an export of this very name, else an own property of
 * an export. Inherited ones, such as `constructor`, are never found.
 */
export function findNamed(
  exports: Readonly<Record<string, unknown>>,
  name: string,
): Named {
  if (hasOwn(exports, name)) {
    return { type: "found", value: exports[name], owner: undefined };
  }
  const dot = lastIndexOfText(name, ".");
  const ownerName = dot < 0 ? name : sliceText(name, 0, dot);
  if (dot < 0 || !hasOwn(exports, ownerName)) {
    return { type: "no export", owner: ownerName };
  }
  const owner = exports[ownerName];
  const key = sliceText(name, dot + 1);
  if (!hasStaticMethods(owner) || !hasOwn(owner, key)) {
    return { type: "no method", owner: ownerName };
  }
  const value = (owner as Record<string, unknown>)[key];
  return { type: "found", value, owner };
}
