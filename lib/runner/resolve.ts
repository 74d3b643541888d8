/**
 * Finding the module of a stored function reference, by looking at the file
 * system only: no code of a job is ever loaded by its worker.
 *
 * @module
 */

import { basename, dirname, join, resolve as absolute, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isUrlSpecifier, parseFuncRef } from "../job/func_ref.ts";
import {
  allowedModule,
  type ModulePattern,
  schemeOf,
} from "./module_patterns.ts";

/** Where a job's function is. */
export interface ResolvedFunc {
  /** The module's URL. */
  readonly url: string;
  /** The export to call. */
  readonly exportName: string;
  /** The path of the configuration file that the module's imports resolve through, if there is one. */
  readonly config?: string;
}

/** What {@linkcode resolveFunc} needs to know. */
export interface ResolveOptions {
  /** The directories under which modules are looked for, in order. */
  readonly paths: readonly string[];
  /** Modules that are loaded from elsewhere. @default [] */
  readonly modules?: readonly ModulePattern[];
}

const EXTENSIONS = [".ts", ".mts", ".js", ".mjs", "/mod.ts"];
/** What else is code. Of a file that is none, an error at loading would show a part. */
const CODE = /\.[cm]?[jt]sx?$/;
const CONFIGS = ["deno.json", "deno.jsonc"];

/**
 * Finds the module of a function reference and the configuration that applies to
 * it: the nearest `deno.json` above a file, else above the working directory.
 *
 * The reference was written by whoever can write to Redis. So a file has to lie under one of the paths, whatever links
 * lead to it, and to be code by its name; a module of elsewhere has to be allowed.
 *
 * @throws {TypeError} if the text is no function reference, or names what is never loaded
 * @throws {Deno.errors.NotCapable} if it names what this worker does not load
 * @throws {Deno.errors.NotFound} if no module is found: the message names every place
 * @throws {Deno.errors.NotCapable} if the worker may not read where it has to look
 */
export function resolveFunc(
  funcName: string,
  options: ResolveOptions,
): ResolvedFunc {
  const ref = parseFuncRef(funcName);
  const { exportName } = ref;
  if (ref.kind === "module" && isUrlSpecifier(ref.specifier)) {
    return resolveUrl(funcName, ref.specifier, exportName, options);
  }
  const names = ref.kind === "dotted"
    ? EXTENSIONS.map((extension) => ref.modulePath + extension)
    : [relativePath(funcName, ref.specifier)];
  const looked: string[] = [];
  for (const path of options.paths) {
    for (const name of names) {
      const file = join(absolute(path), name);
      if (isFile(file)) return ofFile(funcName, file, exportName, options);
      looked.push(file);
    }
  }
  throw new Deno.errors.NotFound(
    `Cannot find the module of "${funcName}": looked for ${
      looked.join(", ") || "nothing, there is no path to look under"
    }`,
  );
}

/** The nearest configuration file in a directory or above it. */
export function nearestConfig(directory: string): string | undefined {
  for (let dir = absolute(directory);; dir = dirname(dir)) {
    for (const name of CONFIGS) {
      const file = join(dir, name);
      if (isFileOrHidden(file)) return file;
    }
    if (dir === dirname(dir)) return undefined;
  }
}

function resolveUrl(
  funcName: string,
  specifier: string,
  exportName: string,
  options: ResolveOptions,
): ResolvedFunc {
  if (schemeOf(specifier) === "file:") {
    const file = fileOf(funcName, specifier);
    // Not even whether there is such a file is told, unless it is under a path.
    refuseOutside(funcName, nearestReal(file), options);
    if (isFile(file)) return ofFile(funcName, file, exportName, options);
    throw new Deno.errors.NotFound(
      `Cannot find the module of "${funcName}": there is no file ${file}`,
    );
  }
  const url = allowedModule(specifier, options.modules ?? []);
  if (url === undefined) throw unallowed(funcName, specifier);
  return withConfig({ url, exportName }, nearestConfig(Deno.cwd()));
}

/** Schemes of what an operator can allow. */
const ALLOWABLE = ["jsr:", "npm:", "https:", "http:"];

function unallowed(funcName: string, specifier: string): Error {
  const scheme = schemeOf(specifier);
  return ALLOWABLE.includes(scheme)
    ? new Deno.errors.NotCapable(
      `Cannot run "${funcName}": the worker loads modules under its paths only, others have to be allowed by --job-modules`,
    )
    : new TypeError(
      `Cannot run "${funcName}": modules of ${scheme} are never loaded`,
    );
}

function fileOf(funcName: string, specifier: string): string {
  try {
    const file = fileURLToPath(new URL(specifier));
    if (!file.includes("\0")) return file;
  } catch {
    // another host, or an encoded slash
  }
  throw new TypeError(`Cannot resolve "${funcName}": its URL names no file`);
}

function ofFile(
  funcName: string,
  file: string,
  exportName: string,
  options: ResolveOptions,
): ResolvedFunc {
  const real = Deno.realPathSync(file);
  refuseOutside(funcName, real, options);
  if (!CODE.test(file) || !CODE.test(real)) {
    throw new TypeError(
      `Cannot run "${funcName}": ${file} is no module by its name`,
    );
  }
  const config = nearestConfig(dirname(file)) ??
    nearestConfig(Deno.cwd());
  return withConfig({ url: pathToFileURL(file).href, exportName }, config);
}

function refuseOutside(
  funcName: string,
  real: string,
  { paths }: ResolveOptions,
): void {
  const isInside = paths.some((path) => {
    const root = nearestReal(absolute(path));
    return real.startsWith(root.endsWith(sep) ? root : root + sep);
  });
  if (isInside) return;
  throw new Deno.errors.NotCapable(
    `Cannot run "${funcName}": its file is not under the worker's paths (${
      paths.join(", ") || "there are none"
    }), --path adds one`,
  );
}

/** Where a file really is, or would be. */
function nearestReal(file: string): string {
  try {
    return Deno.realPathSync(file);
  } catch {
    const parent = dirname(file);
    return parent === file ? file : join(nearestReal(parent), basename(file));
  }
}

function withConfig(
  found: ResolvedFunc,
  config: string | undefined,
): ResolvedFunc {
  return config === undefined ? found : { ...found, config };
}

/** The module was named by whoever could write to the queue: it must not lead out of the paths. */
function relativePath(funcName: string, specifier: string): string {
  const segments = specifier.split(/[/\\]/);
  if (segments[0] === "" || segments.includes("..")) {
    throw new TypeError(
      `Cannot resolve "${funcName}": its path leads out of the worker's paths`,
    );
  }
  return segments.join("/");
}

/** Not `Deno.stat`: its trip to another thread takes twenty times as long as the call, and is on every job's way. */
function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory
    ) return false;
    throw error;
  }
}

/** As {@linkcode isFile}; what the worker may not look at is not there. */
function isFileOrHidden(path: string): boolean {
  try {
    return isFile(path);
  } catch (error) {
    if (
      error instanceof Deno.errors.NotCapable ||
      error instanceof Deno.errors.PermissionDenied
    ) return false;
    throw error;
  }
}
