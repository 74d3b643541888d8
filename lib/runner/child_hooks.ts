/**
 * Runs middleware and exception handlers, in the job's process. It is loaded with them, and not where there are none.
 *
 * @module
 */

import { apply, freeze, uncurryThis } from "../base/primordials.ts";
import { findNamed } from "../job/static_method.ts";
import { printError } from "./child_io.ts";
import type { LoadedFunction } from "./child_job.ts";
import { describeThrown } from "./describe_error.ts";
import type {
  ExceptionHandler,
  HookedJob,
  HookRef,
  HookRefs,
  Middleware,
} from "./middleware.ts";
import type { RunRequest } from "./runner.ts";

const copyOf = uncurryThis(Array.prototype.slice) as (
  list: readonly unknown[],
) => unknown[];

/** What runs around the jobs of this process. */
export interface Hooks {
  /** A function that runs the middleware around another one. */
  around(func: LoadedFunction, job: HookedJob): LoadedFunction;
  /** A job as they see it. It is made before its function is called, which may change its arguments. */
  jobOf(request: RunRequest): HookedJob;
  /** Calls the exception handlers. Never throws. */
  handle(job: HookedJob, error: unknown): Promise<void>;
}

/**
 * Loads middleware and handlers.
 *
 * @throws {Error} It names the module that cannot be loaded, or has no such function.
 */
export async function loadHooks(refs: HookRefs): Promise<Hooks> {
  const middleware = await loadAll<Middleware>(refs.middleware);
  const handlers = await loadAll<ExceptionHandler>(refs.exceptionHandlers);
  return {
    around: (func, job) =>
      middleware.length === 0 ? func : wrapped(func, job, middleware),
    jobOf: hookedJob,
    handle: (job, error) => handle(handlers, job, error),
  };
}

function hookedJob(request: RunRequest): HookedJob {
  return freeze({
    id: request.jobId,
    executionId: request.executionId,
    attempt: request.attempt,
    queue: request.origin,
    groupId: request.groupId ?? null,
    func: request.funcName,
    args: copyOf(request.args),
    kwargs: request.kwargs,
    meta: request.meta,
    timeout: request.timeout,
  });
}

async function loadAll<F>(refs: readonly HookRef[]): Promise<F[]> {
  const functions: F[] = [];
  for (const { url, exportName } of refs) {
    let module: Record<string, unknown>;
    try {
      module = await import(url);
    } catch (cause) {
      const { message } = describeThrown("load", cause);
      throw new Error(`Cannot load ${url}: ${message}`, { cause });
    }
    const found = findNamed(module, exportName);
    if (found.type !== "found" || typeof found.value !== "function") {
      throw new Error(
        `Cannot use ${url}: its export "${exportName}" is no function`,
      );
    }
    functions[functions.length] = found.value as F;
  }
  return functions;
}

function wrapped(
  func: LoadedFunction,
  job: HookedJob,
  middleware: readonly Middleware[],
): LoadedFunction {
  return function (this: unknown, ...args: unknown[]) {
    const call = async (index: number): Promise<unknown> => {
      if (index === middleware.length) return await apply(func, this, args);
      let isCalled = false;
      const next = async () => {
        if (isCalled) {
          throw new Error("Cannot call next() of a middleware a second time");
        }
        isCalled = true;
        return await call(index + 1);
      };
      return await middleware[index]!(job, next);
    };
    return call(0);
  };
}

async function handle(
  handlers: readonly ExceptionHandler[],
  job: HookedJob,
  error: unknown,
): Promise<void> {
  for (let i = 0; i < handlers.length; i++) {
    try {
      const answer = await handlers[i]!(job, error);
      if (answer !== undefined && !answer) return;
    } catch (thrown) {
      // The job's own error is the one to be stored.
      const { excInfo } = describeThrown("error", thrown);
      printError(
        `An exception handler has failed for job ${job.id}: ${excInfo}`,
      );
    }
  }
}
