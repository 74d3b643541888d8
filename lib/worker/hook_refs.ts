/**
 * Finds the middleware and the exception handlers of a worker. They are the operator's, so they may be anywhere.
 *
 * @module
 */

import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isFile } from "../base/files.ts";
import { isUrlSpecifier, parseFuncRef } from "../job/func_ref.ts";
import type { HookRef, HookRefs } from "../runner/middleware.ts";
import { resolveFunc } from "../runner/resolve.ts";
import { defaultPaths } from "./paths.ts";

/** The options that name them. */
interface HookOptions {
  readonly middleware: readonly string[];
  readonly exceptionHandlers: readonly string[];
  readonly paths: readonly string[] | undefined;
}

/**
 * Where they are; `undefined` if there are none.
 *
 * @throws {RangeError} It names the one that is not there.
 */
export function hookRefs(
  { middleware, exceptionHandlers, paths }: HookOptions,
): HookRefs | undefined {
  if (middleware.length === 0 && exceptionHandlers.length === 0) {
    return undefined;
  }
  const all = (option: keyof HookOptions, names: readonly string[]) =>
    names.map((name) => {
      try {
        return refOf(name, paths);
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new RangeError(`Cannot use ${option} "${name}": ${why}`, {
          cause,
        });
      }
    });
  return {
    middleware: all("middleware", middleware),
    exceptionHandlers: all("exceptionHandlers", exceptionHandlers),
  };
}

/** A module by its path or URL, or a dotted path as a job's. */
function refOf(name: string, paths: readonly string[] | undefined): HookRef {
  const ref = parseFuncRef(name);
  if (ref.kind === "dotted") {
    const { url, exportName } = resolveFunc(name, {
      paths: paths ?? defaultPaths(),
    });
    return { url, exportName };
  }
  const { specifier, exportName } = ref;
  const isOfFile = specifier.startsWith("file:");
  if (isUrlSpecifier(specifier) && !isOfFile) {
    return { url: specifier, exportName };
  }
  const file = isOfFile ? fileURLToPath(specifier) : resolve(specifier);
  if (!isFile(file)) throw new Error(`there is no file ${file}`);
  return { url: pathToFileURL(file).href, exportName };
}
