/**
 * What programs on Node and Bun do otherwise than those on Deno. They can enqueue, wait, look and act; workers are Deno's.
 * Everything here is synchronous, and loads no module that Deno does not need.
 *
 * @module
 */

/** What is used of Node's `process`, which Bun has too. */
interface NodeProcess {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  getBuiltinModule(name: "node:fs"): {
    statSync(path: string): { isFile(): boolean };
    readFileSync(path: string, encoding: "utf8"): string;
  };
  getBuiltinModule(name: "node:url"): {
    pathToFileURL(path: string): URL;
  };
}

/** Whether this is Deno. */
export const IS_DENO: boolean = "Deno" in globalThis;

function nodeProcess(): NodeProcess {
  return (globalThis as unknown as { process: NodeProcess }).process;
}

/** Whether there is a file, not a folder, at a path. It throws as {@linkcode readTextFile} does. */
export function isFileAt(path: string): boolean {
  if (IS_DENO) return Deno.statSync(path).isFile;
  return nodeProcess().getBuiltinModule("node:fs").statSync(path).isFile();
}

/**
 * The text of a file.
 *
 * @throws {Error} See {@linkcode fileTroubleOf}.
 */
export function readTextFile(path: string): string {
  if (IS_DENO) return Deno.readTextFileSync(path);
  const fs = nodeProcess().getBuiltinModule("node:fs");
  return fs.readFileSync(path, "utf8");
}

/** Why a file could not be read. */
export type FileTrouble = "missing" | "forbidden" | "a folder";

/** By the names of Deno's errors and the codes of Node's. */
const TROUBLES: Readonly<Record<string, FileTrouble>> = {
  NotFound: "missing",
  ENOENT: "missing",
  NotADirectory: "missing",
  ENOTDIR: "missing",
  NotCapable: "forbidden",
  PermissionDenied: "forbidden",
  EACCES: "forbidden",
  EPERM: "forbidden",
  IsADirectory: "a folder",
  EISDIR: "a folder",
};

/** Why a file could not be read; `undefined` for other reasons, and errors of something else. */
export function fileTroubleOf(error: unknown): FileTrouble | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as { code?: unknown };
  return TROUBLES[error.name] ?? TROUBLES[String(code)];
}

/** A variable of the environment; `undefined` if it is not set, or must not be read and that was not asked for. */
export function readVariable(
  name: string,
  { ask = false }: { ask?: boolean } = {},
): string | undefined {
  if (!IS_DENO) return nodeProcess().env[name];
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return ask || state === "granted" ? Deno.env.get(name) : undefined;
}

/** The URL of the module that the program was started with. */
export function mainModule(): string {
  if (IS_DENO) return Deno.mainModule;
  const { pathToFileURL } = nodeProcess().getBuiltinModule("node:url");
  return pathToFileURL(nodeProcess().argv[1] ?? "").href;
}

/** Lets the program end while a timer is set. */
export function unrefTimer(timer: ReturnType<typeof setTimeout>): void {
  if (IS_DENO) Deno.unrefTimer(timer);
  else (timer as unknown as { unref(): void }).unref();
}

/** Reports an error that nobody can catch: the program ends, unless it listens for such errors. */
export function reportUncaught(error: unknown): void {
  if ("reportError" in globalThis) reportError(error);
  else {
    queueMicrotask(() => {
      throw error;
    });
  }
}
