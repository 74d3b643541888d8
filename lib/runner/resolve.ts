/**
 * Finds the module of a stored function reference by looking at the file system.
 * The worker itself never loads a job's code.
 *
 * @module
 */

import { basename, dirname, join, resolve as absolute, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isFile } from "../base/files.ts";
import { nearestConfig } from "../base/project.ts";
import {
  asStaticMethod,
  type FuncRef,
  isUrlSpecifier,
  MODULE_EXTENSIONS,
  parseFuncRef,
} from "../job/func_ref.ts";
import {
  allowedModule,
  type ModulePattern,
  schemeOf,
} from "./module_patterns.ts";

/** Where a job's function is. */
export interface ResolvedFunc {
  /** The module's URL. */
  readonly url: string;
  /** The export to call, or `Class.method`. */
  readonly exportName: string;
  /** The path of the configuration file that applies to the module's imports, if there is one. */
  readonly config?: string;
}

/** The options of {@linkcode resolveFunc}. */
export interface ResolveOptions {
  /** The directories under which modules are looked for, in order. */
  readonly paths: readonly string[];
  /** Further modules that are allowed. @default [] */
  readonly modules?: readonly ModulePattern[];
}

/** Other names of code. A file that is not code is refused, since the error on loading it would show a part of it. */
const CODE = /\.[cm]?[jt]sx?$/;

/**
 * Finds the module of a function reference, and the configuration that applies to
 * it: the nearest `deno.json` above a file, else above the working directory.
 *
 * Anybody who can write to Redis can write a reference. So a file must lie under one of the paths after resolving
 * links, and be code by its name; any other module must be allowed.
 *
 * @throws {TypeError} If the text is no function reference, can never be loaded, or matches files under several paths.
 * @throws {Deno.errors.NotCapable} If this worker does not load the module, or may not read a path.
 * @throws {Deno.errors.NotFound} If no module is found; the message names every place.
 */
export function resolveFunc(
  funcName: string,
  options: ResolveOptions,
): ResolvedFunc {
  const ref = parseFuncRef(funcName);
  if (ref.kind === "module" && isUrlSpecifier(ref.specifier)) {
    return resolveUrl(funcName, ref.specifier, ref.exportName, options);
  }
  const looked: string[] = [];
  for (const { names, exportName } of readings(funcName, ref)) {
    const found = findFiles(names, options, looked);
    if (found.length > 1) throw ambiguous(funcName, found);
    const [file] = found;
    if (file !== undefined) return ofFile(funcName, file, exportName, options);
  }
  throw new Deno.errors.NotFound(
    `Cannot find the module of "${funcName}": looked for ${
      looked.join(", ") || "nothing, there is no path to look under"
    }`,
  );
}

/** One way to read a reference. */
interface Reading {
  /** Names of the file below a path; the first one that exists counts. */
  readonly names: readonly string[];
  readonly exportName: string;
}

/** The ways to read a reference to a file. The next one counts only if the one before it leads to no file under any path. */
function readings(funcName: string, ref: FuncRef): Reading[] {
  if (ref.kind === "module") {
    const names = [relativePath(funcName, ref.specifier)];
    return [{ names, exportName: ref.exportName }];
  }
  return [ref, asStaticMethod(ref)].filter((one) => one !== undefined)
    .map(({ modulePath, exportName }) => ({
      names: MODULE_EXTENSIONS.map((extension) => modulePath + extension),
      exportName,
    }));
}

/** At most one file under each path. Adds those that are missing to `looked`. */
function findFiles(
  names: readonly string[],
  { paths }: ResolveOptions,
  looked: string[],
): string[] {
  return [...new Set(paths.map((path) => absolute(path)))]
    .map((path) => names.map((name) => join(path, name)))
    .map((files) => {
      const file = files.find(isFile);
      if (file === undefined) looked.push(...files);
      return file;
    })
    .filter((file) => file !== undefined);
}

/** Refused rather than running the first: it might change which function runs whenever a path is added or removed. */
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
    // Checked first, so that the error does not reveal whether a file outside the paths exists.
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

/** Schemes of modules that an operator can allow. */
const ALLOWABLE = ["jsr:", "npm:", "https:", "http:"];

function unallowed(funcName: string, specifier: string): Error {
  const scheme = schemeOf(specifier);
  return ALLOWABLE.includes(scheme)
    ? new Deno.errors.NotCapable(
      `Cannot run "${funcName}": the worker loads only modules under its paths, allow others by --job-modules`,
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

/** The real path of a file, which need not exist. */
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

/** The path of a specifier below the worker's paths, which it must not leave. */
function relativePath(funcName: string, specifier: string): string {
  const segments = specifier.split(/[/\\]/);
  if (segments[0] === "" || segments.includes("..")) {
    throw new TypeError(
      `Cannot resolve "${funcName}": its path leads out of the worker's paths`,
    );
  }
  return segments.join("/");
}
