/**
 * From what a producer hands over — a function, a URL, a text — to the function
 * reference that is stored.
 *
 * @module
 */

import { dirname, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import {
  formatFuncRef,
  isUrlSpecifier,
  parseFuncRef,
} from "../job/func_ref.ts";
import type { JobFunction } from "../job/stored.ts";
import { locateFunction } from "./locate_function.ts";

/** A function reference as a producer writes it. */
export type FuncSource = JobFunction | string | URL;

/** The names of functions that were looked for, or are being looked for. */
const known = new WeakMap<JobFunction, string | Promise<string>>();

/**
 * The reference to store for a function: relative to its project, so that a
 * worker elsewhere with the same code finds it.
 *
 * @throws {TypeError} if the function cannot be named, or the text is no reference
 */
export function funcNameOf(func: FuncSource): string | Promise<string> {
  if (typeof func === "function") {
    let name = known.get(func);
    if (name === undefined) {
      name = locateFunction(func).then(({ url, exportName }) =>
        storedName(url, exportName)
      );
      known.set(func, name);
      name.then(
        (found) => known.set(func, found),
        () => known.delete(func), // a permission may be granted before the next call
      );
    }
    return name;
  }
  if (func instanceof URL) return nameOfUrl(func);
  if (typeof func !== "string") {
    throw new TypeError(
      `Cannot enqueue ${typeof func}: expected a function, a URL or a text such as "jobs.mail.send"`,
    );
  }
  return nameOfText(func);
}

function nameOfText(text: string): string {
  const ref = parseFuncRef(text);
  if (ref.kind === "dotted") return text;
  const { specifier, exportName } = ref;
  if (specifier.startsWith("file:")) {
    return storedName(specifier, exportName);
  }
  if (isUrlSpecifier(specifier)) return `${specifier}#${exportName}`;
  if (/^(\.\.?)?\//.test(specifier)) {
    return storedName(pathToFileURL(resolve(specifier)).href, exportName);
  }
  return formatFuncRef(specifier, exportName);
}

function nameOfUrl(url: URL): string {
  const module = new URL(url);
  module.hash = "";
  const exportName = decodeURIComponent(url.hash.slice(1)) || "default";
  return storedName(module.href, exportName);
}

/** Relative to the folder of the nearest `deno.json` above a file; a URL stays as it is. */
function storedName(moduleUrl: string, exportName: string): string {
  const url = new URL(moduleUrl);
  if (url.protocol !== "file:" || url.search !== "") {
    return `${moduleUrl}#${exportName}`;
  }
  const file = fileURLToPath(url);
  const project = projectOf(file);
  if (project === null) return `${moduleUrl}#${exportName}`;
  const path = relative(project, file).split(sep).join("/");
  // In a path, "#" would begin the export; in a URL it is escaped.
  return path.includes("#")
    ? `${moduleUrl}#${exportName}`
    : formatFuncRef(path, exportName);
}

function projectOf(file: string): string | null {
  for (let folder = dirname(file);;) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      if (isFile(resolve(folder, name))) return folder;
    }
    const parent = dirname(folder);
    if (parent === folder) return null;
    folder = parent;
  }
}

/** Without permission to look, there is no project to be seen, and the absolute URL is stored. */
function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory ||
      error instanceof Deno.errors.NotCapable ||
      error instanceof Deno.errors.PermissionDenied
    ) return false;
    throw error;
  }
}
