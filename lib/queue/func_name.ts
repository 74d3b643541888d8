/**
 * Converts what a producer passes as a function (a function, a URL or text) to
 * the function reference that is stored.
 *
 * @module
 */

import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isFile } from "../base/files.ts";
import { projectRoot } from "../base/project.ts";
import {
  formatFuncRef,
  isUrlSpecifier,
  MODULE_EXTENSIONS,
  parseFuncRef,
} from "../job/func_ref.ts";
import type { JobFunction } from "../job/stored.ts";
import { type LocatedFunction, locateFunction } from "./locate_function.ts";

/** A function reference as a producer writes it. */
export type FuncSource = JobFunction | string | URL;

/** A cache of functions' names: found, or still being looked for. */
const known = new WeakMap<JobFunction, string | Promise<string>>();

/** Where the functions are that were found, by their names. */
const places = new Map<string, LocatedFunction>();

/** Where the function of a name is, if it was enqueued by this program as a function. */
export function placeOf(name: string): LocatedFunction | undefined {
  return places.get(name);
}

/** Remembers the name of a function, so that it need not be found. */
export function rememberName(
  func: JobFunction,
  name: string,
  place: LocatedFunction,
): void {
  known.set(func, name);
  places.set(name, place);
}

/**
 * The name of a function, as far as that is known without looking for its module: `undefined` if it was not enqueued yet.
 *
 * @throws {TypeError} If the text is no reference.
 */
export function knownName(func: FuncSource): string | undefined {
  const name = typeof func === "function" ? known.get(func) : funcNameOf(func);
  return typeof name === "string" ? name : undefined;
}

/**
 * The reference to store for a function. It is relative to the function's project,
 * so that a worker elsewhere with the same code finds it.
 *
 * @throws {TypeError} If the function cannot be named, or the text is no reference.
 */
function funcNameOf(func: FuncSource): string | Promise<string> {
  if (typeof func === "function") {
    let name = known.get(func);
    if (name === undefined) {
      name = locateFunction(func).then((place) => {
        const found = storedName(place.url, place.exportName);
        places.set(found, place);
        return found;
      });
      known.set(func, name);
      name.then(
        (found) => known.set(func, found),
        () => known.delete(func), // try again next time: a permission may have been granted
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

/** The names of all functions of a call, as they are stored. */
export interface CallNames {
  /** That of the job. */
  readonly func: string;
  /** Those of its callbacks, in their order. */
  readonly callbacks: readonly string[];
}

const NO_CALLBACKS: readonly string[] = [];

/**
 * The names of the functions of a call; a promise only if one has to be looked up.
 *
 * @throws {TypeError} If one cannot be named.
 */
export function callNames(
  func: FuncSource,
  callbacks: readonly { readonly func: FuncSource }[],
): CallNames | Promise<CallNames> {
  const name = funcNameOf(func);
  if (callbacks.length === 0 && typeof name === "string") {
    return { func: name, callbacks: NO_CALLBACKS };
  }
  const names = [name, ...callbacks.map(({ func }) => funcNameOf(func))];
  return Promise.all(names).then(([func, ...callbacks]) => ({
    func: func!,
    callbacks,
  }));
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
  // Where the project is, is not known, nor whether the dotted name of a static method is that of a module there.
  return exportName.includes(".")
    ? `${specifier}#${exportName}`
    : formatFuncRef(specifier, exportName);
}

function nameOfUrl(url: URL): string {
  const module = new URL(url);
  module.hash = "";
  const exportName = decodeURIComponent(url.hash.slice(1)) || "default";
  return storedName(module.href, exportName);
}

/** A cache of projects, by the folder of a module. */
const projects = new Map<string, string>();

/** A file is named relative to its project; any other URL is stored as it is. */
function storedName(moduleUrl: string, exportName: string): string {
  const url = new URL(moduleUrl);
  if (url.protocol !== "file:") return `${moduleUrl}#${exportName}`;
  const file = fileURLToPath(url);
  if (url.search !== "" || file.includes("#")) {
    throw unnamed(url, 'a file\'s name can have no query and no "#"');
  }
  const folder = dirname(file);
  const project = projects.get(folder) ?? projectRoot(folder);
  if (project === undefined) {
    throw unnamed(
      url,
      `no deno.json is seen above it, which marks the project that names are relative to; put one there and allow it to be read (--allow-read)`,
    );
  }
  projects.set(folder, project);
  const path = relative(project, file).split(sep).join("/");
  const name = formatFuncRef(path, exportName);
  return exportName.includes(".") && isOtherModule(project, name)
    ? `${path}#${exportName}`
    : name;
}

/** Whether the dotted name of a static method, `jobs.Mailer.send`, is taken by a module, `jobs/Mailer.ts`. */
function isOtherModule(project: string, name: string): boolean {
  const ref = parseFuncRef(name);
  return ref.kind === "dotted" &&
    MODULE_EXTENSIONS.some((extension) =>
      isFile(join(project, ref.modulePath + extension))
    );
}

function unnamed(url: URL, why: string): TypeError {
  return new TypeError(
    `Cannot enqueue a function of ${url.href}: ${why}. Or name it as the worker finds it under its --path, enqueue("jobs.mail.send", …)`,
  );
}
