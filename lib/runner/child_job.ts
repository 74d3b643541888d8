/**
 * Loads a job's module, calls its function and encodes the result.
 *
 * @module
 */

import {
  apply,
  codeUnitAt,
  defineProperty,
  isArray,
  joinTexts,
  keysOf,
  mapGet,
  mapSet,
  sortTexts,
} from "../base/primordials.ts";
import { DECLARED_EXPORT, declaredSchedules } from "../job/declared.ts";
import { encodeJson, type JsonOptions } from "../job/json.ts";
import { retryWishOf } from "../job/retry_wish.ts";
import { findNamed, type Named } from "../job/static_method.ts";
import type { Emit, Yielding } from "./child_stream.ts";
import {
  describeFailure,
  describeJobError,
  describeOwn,
} from "./describe_error.ts";
import {
  type FailureMessage,
  MAX_RESULT_SIZE,
  type RunnableJob,
  WEBHOOK_URL,
} from "./protocol.ts";
import type { RunRequest } from "./runner.ts";

/** The exports of a module. */
export type JobModule = Readonly<Record<string, unknown>>;

/** A function of a job. */
export type LoadedFunction = (...args: unknown[]) => unknown;

/** The most exports that an error names. */
const MAX_LISTED = 20;

/** A failure. */
export interface Failed {
  /** Discriminant. */
  readonly type: "failure";
  /** What is sent to the worker. */
  readonly failure: FailureMessage;
  /** What exception handlers are told. */
  readonly thrown: unknown;
}

/** The outcome of loading a module. */
export type Loaded =
  | {
    readonly type: "loaded";
    readonly module: JobModule;
    readonly func: LoadedFunction;
    /** Its `this`: the class or object of a static method. */
    readonly owner: object | undefined;
  }
  | Failed;

/** The outcome of the call. The result is JSON, empty for `undefined`. */
export type Called =
  | { readonly type: "success"; readonly result: string }
  | Failed;

const modules = new Map<string, JobModule>();

/** The module of {@linkcode rehearsal}: this one. */
export const REHEARSAL_URL: string = import.meta.url;

/** Called before the first job, to warm up. */
export function rehearsal(): string {
  return "";
}

/** Imports a module ahead of time; returns whether that succeeded. */
export async function preloadModule(url: string): Promise<boolean> {
  try {
    mapSet(modules, url, await import(url));
    return true;
  } catch {
    return false; // the job that needs it fails with the reason, in a process that has not tried before
  }
}

/** A module of ours by a literal specifier: that is part of the program, and needs no permission to be loaded. */
function load(url: string): Promise<JobModule> {
  return url === WEBHOOK_URL ? import("./child_webhook.ts") : import(url);
}

/** Imports the job's module and finds its function in it. */
export async function loadModule(job: RunnableJob): Promise<Loaded> {
  const { url, exportName } = job;
  let module: JobModule;
  try {
    // Saves a trip through the loader for a module that is loaded already.
    module = mapGet(modules, url) ?? await load(url);
    mapSet(modules, url, module);
  } catch (error) {
    return failed("load", `Cannot load module ${url}`, error);
  }
  if (exportName === DECLARED_EXPORT) {
    return {
      type: "loaded",
      module,
      func: declaredSchedules,
      owner: undefined,
    };
  }
  const named = findNamed(module, exportName);
  if (named.type === "found" && typeof named.value === "function") {
    const func = named.value as LoadedFunction;
    return { type: "loaded", module, func, owner: named.owner };
  }
  const reason = named.type === "found" ? "load" : "missing";
  return failed(reason, whyNot(module, job, named));
}

function whyNot(
  module: JobModule,
  { url, exportName }: RunnableJob,
  named: Named,
): string {
  const exports = listed(sortTexts(keysOf(module)));
  switch (named.type) {
    case "found":
      return `Cannot run "${exportName}" of ${url}: it is ${
        kindOf(named.value)
      }, not a function; the module exports ${exports}`;
    case "no export":
      return `Cannot find export "${named.owner}" of ${url}: the module exports ${exports}`;
    case "no method":
      return `Cannot run "${exportName}" of ${url}: "${named.owner}" is no class or object with a static method of its own by that name`;
  }
}

function failed(
  reason: "load" | "missing",
  text: string,
  cause?: unknown,
): Failed {
  return {
    type: "failure",
    failure: describeFailure(reason, "ImportError", text, cause),
    thrown: cause ?? namedError("ImportError", text),
  };
}

function namedError(name: string, message: string): Error {
  return defineProperty(new Error(message), "name", {
    __proto__: null,
    value: name,
  } as PropertyDescriptor);
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return "nothing";
  const more = names.length - MAX_LISTED;
  if (more <= 0) return joinTexts(names, ", ");
  let text = "";
  for (let i = 0; i < MAX_LISTED; i++) {
    text += `${i > 0 ? ", " : ""}${names[i]}`;
  }
  return `${text} and ${more} more`;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return `${value}`;
  if (isArray(value)) return "an array";
  const type = typeof value;
  return type === "object" ? "an object" : `a ${type}`;
}

const { asyncIterator, toStringTag } = Symbol;

/** Whether a function has returned the object of a generator, or anything else that can be iterated asynchronously. */
function isYielding(result: unknown): result is Yielding {
  if (typeof result !== "object" || result === null) return false;
  const tag = (result as { [toStringTag]?: unknown })[toStringTag];
  return tag === "Generator" || asyncIterator in result;
}

async function sendParts(
  result: Yielding,
  emit: Emit,
  json: JsonOptions,
): Promise<unknown> {
  const { emitParts } = await import("./child_stream.ts");
  return await emitParts(result, emit, json);
}

/** A function that ends when the given one has yielded everything, for what is to run around all of that. */
export function yielding(
  func: LoadedFunction,
  emit: Emit,
  json: JsonOptions,
): LoadedFunction {
  return async function (this: unknown, ...args) {
    const result = await apply(func, this, args);
    return isYielding(result) ? await sendParts(result, emit, json) : result;
  };
}

/** Calls a job's function, sends what it yields, and encodes its result as JSON. */
export async function callJob(
  func: LoadedFunction,
  owner: object | undefined,
  request: RunRequest,
  emit: Emit,
): Promise<Called> {
  let result: unknown;
  try {
    result = await apply(func, owner, argumentsOf(request));
    if (isYielding(result)) result = await sendParts(result, emit, request);
  } catch (error) {
    return {
      type: "failure",
      failure: describeJobError(error),
      thrown: error,
    };
  }
  if (retryWishOf(result) !== undefined) {
    return {
      type: "failure",
      failure: describeJobError(result),
      thrown: result,
    };
  }
  if (result === undefined) return { type: "success", result: "" };
  try {
    return encodeResult(result, request);
  } catch (error) {
    return {
      type: "failure",
      failure: describeOwn("result", error),
      thrown: error,
    };
  }
}

function argumentsOf({ args, kwargs }: RunRequest): readonly unknown[] {
  if (keysOf(kwargs).length === 0) return args;
  const all = args as unknown[]; // decoded for this run only, so it may be changed
  // Not push(): that would call a setter that the job's code may have put on Object.prototype.
  defineProperty(all, all.length, {
    __proto__: null,
    value: kwargs,
    configurable: true,
    enumerable: true,
    writable: true,
  } as PropertyDescriptor);
  return all;
}

function encodeResult(result: unknown, json: JsonOptions): Called {
  const text = encodeJson(result, "result", json);
  const size = text.length * 3 > MAX_RESULT_SIZE ? byteLength(text) : 0;
  if (size <= MAX_RESULT_SIZE) return { type: "success", result: text };
  const megabytes = (size / 1024 / 1024).toFixed(1);
  throw new RangeError(
    `Cannot store result: it is ${megabytes} MB of JSON, more than ${
      MAX_RESULT_SIZE / 1024 / 1024
    } MB`,
  );
}

function byteLength(text: string): number {
  let size = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = codeUnitAt(text, i);
    if (unit < 0x80) continue;
    // Each half of a surrogate pair counts 2 of the 4 bytes; JSON text has no lone halves.
    size += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return size;
}
