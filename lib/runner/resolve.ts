/**
 * Finding the module of a stored function reference, by looking at the file
 * system only: no code of a job is ever loaded by its worker.
 *
 * @module
 */

import { dirname, join, resolve as absolute } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isUrlSpecifier, parseFuncRef } from "../job/func_ref.ts";

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
}

const EXTENSIONS = [".ts", ".mts", ".js", ".mjs", "/mod.ts"];
const CONFIGS = ["deno.json", "deno.jsonc"];

/**
 * Finds the module of a function reference and the configuration that applies to
 * it: the nearest `deno.json` above a file, else above the working directory.
 *
 * @throws {TypeError} if the text is no function reference, or points out of the paths
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
    return resolveUrl(funcName, ref.specifier, exportName);
  }
  const names = ref.kind === "dotted"
    ? EXTENSIONS.map((extension) => ref.modulePath + extension)
    : [relativePath(funcName, ref.specifier)];
  const looked: string[] = [];
  for (const path of options.paths) {
    for (const name of names) {
      const file = join(absolute(path), name);
      if (isFile(file)) return ofFile(file, exportName);
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
): ResolvedFunc {
  if (!specifier.startsWith("file:")) {
    const config = nearestConfig(Deno.cwd());
    return withConfig({ url: specifier, exportName }, config);
  }
  const file = fileURLToPath(specifier);
  if (isFile(file)) return ofFile(file, exportName);
  throw new Deno.errors.NotFound(
    `Cannot find the module of "${funcName}": there is no file ${file}`,
  );
}

function ofFile(file: string, exportName: string): ResolvedFunc {
  const config = nearestConfig(dirname(file)) ??
    nearestConfig(Deno.cwd());
  return withConfig({ url: pathToFileURL(file).href, exportName }, config);
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
