/**
 * Finding the module of a stored function reference, by looking at the file
 * system only: no code of a job is ever loaded by its worker.
 *
 * @module
 */

import { dirname, join, resolve as absolute } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isFile, nearestConfig } from "../base/project.ts";
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

/**
 * Finds the module of a function reference and the configuration that applies to
 * it: the nearest `deno.json` above a file, else above the working directory.
 *
 * @throws {TypeError} if the text is no function reference, points out of the paths, or is answered by several of them
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
  const found = [...new Set(options.paths.map((path) => absolute(path)))]
    .map((path) => names.map((name) => join(path, name)))
    .map((files) => {
      const file = files.find(isFile);
      if (file === undefined) looked.push(...files);
      return file;
    })
    .filter((file) => file !== undefined);
  if (found.length > 1) throw ambiguous(funcName, found);
  if (found[0] !== undefined) return ofFile(found[0], exportName);
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
