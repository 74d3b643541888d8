/**
 * References to functions: the text that RQ stores as `func_name`.
 *
 * @module
 */

/** A parsed function reference. */
export type FuncRef = DottedRef | ModuleRef;

/**
 * RQ's own form, `jobs.mail.send`: the export `send` of `jobs/mail.ts` on the worker's path. If there is no such file, the
 * static method `send` of the export `mail` of `jobs.ts`; see {@linkcode asStaticMethod}.
 */
export interface DottedRef {
  readonly kind: "dotted";
  /** The module's path without its extension, such as `jobs/mail`. */
  readonly modulePath: string;
  readonly exportName: string;
}

/** A module specifier and an export: `jobs/send-mail.ts#send`, `jsr:@me/jobs#send`, `file:///srv/a.ts#send`. */
export interface ModuleRef {
  readonly kind: "module";
  /** A URL, or a path relative to the worker's `--path` directories. */
  readonly specifier: string;
  /** With a dot in it, a static method: `Mailer.send`. */
  readonly exportName: string;
}

/** What follows the path of a dotted reference in the name of its file; the first one that exists counts. */
export const MODULE_EXTENSIONS: readonly string[] = [
  ".ts",
  ".mts",
  ".js",
  ".mjs",
  "/mod.ts",
];

const DOTTED =
  /^[\p{ID_Start}_$][\p{ID_Continue}$]*(\.[\p{ID_Start}_$][\p{ID_Continue}$]*)+$/u;
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;

/** Whether a specifier is a URL (`file:`, `jsr:`, `npm:`, `https:`) rather than a path. */
export function isUrlSpecifier(specifier: string): boolean {
  return SCHEME.test(specifier);
}

/**
 * Parses a function reference.
 *
 * @throws {TypeError} If the text is no function reference.
 */
export function parseFuncRef(text: string): FuncRef {
  const hash = text.indexOf("#");
  if (hash >= 0 || text.includes("/") || isUrlSpecifier(text)) {
    const specifier = hash < 0 ? text : text.slice(0, hash);
    const exportName = hash < 0 ? "default" : text.slice(hash + 1) || "default";
    if (specifier === "") throw invalid(text);
    return { kind: "module", specifier, exportName };
  }
  if (!DOTTED.test(text)) throw invalid(text);
  const dot = text.lastIndexOf(".");
  return {
    kind: "dotted",
    modulePath: text.slice(0, dot).replaceAll(".", "/"),
    exportName: text.slice(dot + 1),
  };
}

function invalid(text: string): TypeError {
  return new TypeError(
    `Cannot read function reference "${text}": expected a dotted path such as "jobs.mail.send" or a module and export such as "jobs/mail.ts#send"`,
  );
}

/**
 * The same reference with its last two words as a class and its static method, as Python reads it if the longer path is
 * no module: `jobs.Mailer.send` is `Mailer.send` of `jobs.ts`. `undefined` if the path has only one word.
 */
export function asStaticMethod(ref: DottedRef): DottedRef | undefined {
  const slash = ref.modulePath.lastIndexOf("/");
  if (slash < 0) return undefined;
  return {
    kind: "dotted",
    modulePath: ref.modulePath.slice(0, slash),
    exportName: `${ref.modulePath.slice(slash + 1)}.${ref.exportName}`,
  };
}

/**
 * Formats a reference to an export of a module, whose path is relative to its
 * project: RQ's dotted form where the path allows it, else `path#export`.
 *
 * @param exportName The export, or `Class.method`.
 */
export function formatFuncRef(path: string, exportName: string): string {
  const dotted = `${
    path.replace(/\.ts$/, "").replaceAll("/", ".")
  }.${exportName}`;
  const plain = path.endsWith(".ts") && !path.slice(0, -3).includes(".") &&
    exportName.split(".").length <= 2 && DOTTED.test(dotted);
  return plain ? dotted : `${path}#${exportName}`;
}
