/**
 * Finds the module and the export of a function: V8 knows the module, and
 * importing the module shows which export it is.
 *
 * @module
 */

import { fileTroubleOf, mainModule } from "../base/platform.ts";
import { Session } from "node:inspector";
import { ownOptionsOf } from "../job/own_options.ts";
import { methodOf } from "../job/static_method.ts";
import type { JobFunction } from "../job/stored.ts";

/** A function as an export of a module. */
export interface LocatedFunction {
  /** The module's URL. */
  readonly url: string;
  /** The name of the export, or `Class.method`. */
  readonly exportName: string;
}

const OTHER_WAYS =
  `name it by its module and export, enqueue("./jobs/mail.ts#send", …), or by RQ's dotted path, enqueue("jobs.mail.send", …)`;

/**
 * Finds the module and the export of a function. Needs `--allow-sys` for V8's
 * inspector.
 *
 * @throws {TypeError} If no export is this function, or the permission is missing.
 */
export async function locateFunction(
  func: JobFunction,
): Promise<LocatedFunction> {
  const label = func.name || "an anonymous function";
  // One that checks its arguments first was made here, out of one that belongs to the module.
  const url = await moduleOf(ownOptionsOf(func)?.inner ?? func, label);
  if (url === mainModule()) {
    throw refused(
      label,
      "it is in the program's main module, and a worker that imports it would run the whole program; move it to another module",
    );
  }
  let exports: Record<string, unknown>;
  try {
    exports = await import(url);
  } catch (cause) {
    throw refused(label, `its module ${url} cannot be imported`, cause);
  }
  const exportName = exportOf(exports, func);
  if (exportName !== undefined) return { url, exportName };
  throw refused(
    label,
    `no export of ${url} is this function, or has it as a static method; a worker can find neither closures nor methods of instances, nor bound or unexported functions`,
  );
}

/** The name of the export that is a function, or of the class or object that has it. */
function exportOf(
  exports: Readonly<Record<string, unknown>>,
  func: JobFunction,
): string | undefined {
  const entries = Object.entries(exports);
  const [own] = entries.find(([, value]) => value === func) ?? [];
  if (own !== undefined) return own;
  for (const [name, owner] of entries) {
    const method = methodOf(func, owner);
    if (method !== undefined) return `${name}.${method}`;
  }
  return undefined;
}

async function moduleOf(func: JobFunction, label: string): Promise<string> {
  const session = new Session();
  try {
    session.connect();
  } catch (cause) {
    if (fileTroubleOf(cause) !== "forbidden") throw cause;
    throw refused(label, "finding its module needs --allow-sys", cause);
  }
  try {
    const scripts = new Map<string, string>();
    session.on("Debugger.scriptParsed", ({ params }) => {
      scripts.set(params.scriptId, params.url);
    });
    const scriptId = await enable(session, label)
      .then(() => scriptOf(session, func));
    const url = scriptId === null ? undefined : scripts.get(scriptId);
    if (!url) {
      throw refused(
        label,
        "it is bound or built in, so it belongs to no module",
      );
    }
    return url;
  } finally {
    session.disconnect();
  }
}

/** Bun's inspector does nothing. */
async function enable(session: Session, label: string): Promise<void> {
  try {
    await post(session, "Debugger.enable", {});
  } catch (cause) {
    throw refused(label, "its module cannot be found out here", cause);
  }
}

/** The inspector's id of the script that contains a function, or `null`. */
async function scriptOf(
  session: Session,
  func: JobFunction,
): Promise<string | null> {
  // The inspector can only evaluate text, so the function is passed through a temporary global.
  const key = `deno-rq.locate.${crypto.randomUUID()}`;
  Object.defineProperty(globalThis, key, { value: func, configurable: true });
  try {
    const { result } = await post(session, "Runtime.evaluate", {
      expression: `globalThis[${JSON.stringify(key)}]`,
    }) as { result: { objectId: string } };
    const { internalProperties = [] } = await post(
      session,
      "Runtime.getProperties",
      { objectId: result.objectId, ownProperties: true },
    ) as { internalProperties?: InternalProperty[] };
    const location = internalProperties.find(({ name }) =>
      name === "[[FunctionLocation]]"
    );
    return location?.value?.value?.scriptId ?? null;
  } finally {
    Reflect.deleteProperty(globalThis, key);
  }
}

interface InternalProperty {
  readonly name: string;
  readonly value?: { readonly value?: { readonly scriptId?: string } };
}

function post(
  session: Session,
  method: string,
  params: Record<string, unknown>,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    session.post(method, params, (error: Error | null, result?: object) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}

function refused(label: string, why: string, cause?: unknown): TypeError {
  return new TypeError(
    `Cannot enqueue ${label}: ${why}. Or ${OTHER_WAYS}`,
    { cause },
  );
}
