/**
 * Finding the module of a stored function reference, by looking at the file
 * system only: no code of a job is ever loaded by its worker.
 *
 * @module
 */

import { basename, dirname, join, resolve as absolute, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isFile, nearestConfig } from "../base/project.ts";
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

/**
 * Finds the module of a function reference and the configuration that applies to
 * it: the nearest `deno.json` above a file, else above the working directory.
 *
 * The reference was written by whoever can write to Redis. So a file has to lie under one of the paths, whatever links
 * lead to it, and to be code by its name; a module of elsewhere has to be allowed.
 *
 * @throws {TypeError} if the text is no function reference, names what is never loaded, or is answered by several paths
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
  const found = [...new Set(options.paths.map((path) => absolute(path)))]
    .map((path) => names.map((name) => join(path, name)))
    .map((files) => {
      const file = files.find(isFile);
      if (file === undefined) looked.push(...files);
      return file;
    })
    .filter((file) => file !== undefined);
  if (found.length > 1) throw ambiguous(funcName, found);
  if (found[0] !== undefined) {
    return ofFile(funcName, found[0], exportName, options);
  }
  throw new Deno.errors.NotFound(
    `Cannot find the module of "${funcName}": looked for ${
      looked.join(", ") || "nothing, there is no path to look under"
    }`,
  );
}

/** To run the first would be to run another's function whenever one path is left out or added. */
function ambiguous(funcName: string, files: readonly string[]): TypeError {
  return new TypeError(
    `Cannot resolve "${funcName}": it may be ${
      files.join(" or ")
    }; start the worker with a single --path, and name modules relative to it`,
  );
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
