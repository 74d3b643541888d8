/**
 * Patterns of the modules outside its paths that a worker loads. Whoever can write to Redis names the module of a
 * job, so the operator has to allow everything outside the paths.
 *
 * @module
 */

/** An allowed pattern: modules of a registry, or under a URL. */
export type ModulePattern =
  | { readonly type: "package"; readonly scheme: string; readonly name: string }
  | { readonly type: "url"; readonly origin: string; readonly path: string };

const PACKAGE_SCHEMES = ["jsr:", "npm:"];
const URL_SCHEMES = ["https:", "http:"];

/** `@scope/name`, `name`, then a version and a path inside. */
const PACKAGE =
  /^((?:@[\w.~-]+\/)?[\w.~-]+)(@[\w.~^<>=*+|-]+)?((?:\/[\w.~@+-]+)*)$/;

/**
 * Parses a pattern: `jsr:@acme/mail`, `npm:@acme/*`, `jsr:*`, `https://acme.com/jobs/`. One without a `*` at its end
 * allows what it names and everything inside; names and folders are never matched by a mere prefix of their text.
 *
 * @throws {TypeError} If it is no pattern.
 */
export function parseModulePattern(text: string): ModulePattern {
  const scheme = schemeOf(text);
  if (PACKAGE_SCHEMES.includes(scheme)) {
    const name = text.slice(scheme.length).replace(/^\/+/, "");
    const isWild = name === "*" || /^@[\w.~-]+\/\*$/.test(name);
    if (isWild || (PACKAGE.test(name) && isPlain(name))) {
      return { type: "package", scheme, name };
    }
  } else if (URL_SCHEMES.includes(scheme)) {
    const url = URL.parse(text.replace(/\/\*$/, "/"));
    if (
      url !== null && isPlainUrl(url) && !/[?#*]/.test(url.href)
    ) {
      return { type: "url", origin: url.origin, path: url.pathname };
    }
  }
  throw new TypeError(
    `Cannot allow modules "${text}": expected a pattern such as "jsr:@acme/*", "npm:@acme/mail" or "https://acme.com/jobs/"`,
  );
}

/**
 * The normalized specifier of a module if a pattern allows it, else `undefined`. A specifier that can be
 * read in two ways, such as one with an encoded slash, is never allowed.
 */
export function allowedModule(
  specifier: string,
  patterns: readonly ModulePattern[],
): string | undefined {
  const scheme = schemeOf(specifier);
  if (PACKAGE_SCHEMES.includes(scheme)) {
    const name = specifier.slice(scheme.length).replace(/^\/+/, "");
    const isAllowed = isPlain(name) &&
      patterns.some((pattern) =>
        pattern.type === "package" && pattern.scheme === scheme &&
        allowsPackage(pattern.name, name)
      );
    return isAllowed ? scheme + name : undefined;
  }
  const url = URL_SCHEMES.includes(scheme) ? URL.parse(specifier) : null;
  if (url === null || !isPlainUrl(url)) return undefined;
  const isAllowed = patterns.some((pattern) =>
    pattern.type === "url" && pattern.origin === url.origin &&
    isInside(url.pathname, pattern.path)
  );
  return isAllowed ? url.href : undefined;
}

/** The scheme of a specifier that is a URL, in lower case and with its colon. */
export function schemeOf(specifier: string): string {
  return specifier.slice(0, specifier.indexOf(":") + 1).toLowerCase();
}

function allowsPackage(pattern: string, specifier: string): boolean {
  const found = PACKAGE.exec(specifier);
  if (found === null) return false;
  const [, name = "", version = "", path = ""] = found;
  if (pattern === "*") return true;
  if (pattern.endsWith("/*")) return name.startsWith(pattern.slice(0, -1));
  const [, ownName = "", ownVersion, ownPath = ""] = PACKAGE.exec(pattern)!;
  return name === ownName &&
    (ownVersion === undefined || ownVersion === version) &&
    (ownPath === "" || isInside(path, ownPath));
}

/** Whether a path equals a folder or lies inside it. */
function isInside(path: string, folder: string): boolean {
  return path === folder ||
    path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

/** Whether a path has no `..`, nor anything that another program may take for one. */
function isPlain(path: string): boolean {
  return !/[%\\?#]/.test(path) &&
    !path.split("/").some((step) => step === "." || step === "..");
}

function isPlainUrl(url: URL): boolean {
  return url.username === "" && url.password === "" &&
    !/%(2f|5c)/i.test(url.pathname);
}
