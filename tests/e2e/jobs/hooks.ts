/** Middleware and exception handlers, and jobs that show what they do. */

import {
  currentJob,
  DoNotRetry,
  type ExceptionHandler,
  type Middleware,
  Retry,
} from "../../../lib/runner/current.ts";

const trail: string[] = [];

/** Notes what it sees, and adds to results that are texts. */
const outer: Middleware = async (job, next) => {
  trail.push(`outer ${job.func} ${JSON.stringify(job.args)}`);
  const result = await next();
  return typeof result === "string" ? `outer(${result})` : result;
};
export default outer;

export const inner: Middleware = async (job, next) => {
  trail.push(`inner ${job.attempt} ${currentJob.id === job.id}`);
  if (job.meta["skip"]) return "skipped";
  if (job.meta["twice"]) await next();
  try {
    return `inner(${await next()})`;
  } catch (error) {
    if (job.meta["translate"]) {
      throw new TypeError("translated", { cause: error });
    }
    throw error;
  }
};

/** Keeps the failure with the job. */
export const note: ExceptionHandler = async (job, error) => {
  const before = (currentJob.meta["noted"] ?? []) as string[];
  await currentJob.setMeta({ noted: [...before, `${job.attempt} ${error}`] });
  return job.meta["stop"] ? false : undefined;
};

export function breaks(): never {
  throw new Error("handler is broken");
}

/** Takes a while, as a request would. */
export const slow: ExceptionHandler = async () => {
  await new Promise((resolve) => setTimeout(resolve, 500));
};

/** Ends while it sleeps. */
export async function besideSleep(how: string): Promise<string> {
  const sleep = currentJob.sleep(3_600);
  if (how === "fails") await Promise.all([sleep, Promise.reject("x")]);
  await currentJob.progress(1); // by then, the worker knows of the sleep
  return "done";
}

export const last: ExceptionHandler = async () => {
  await currentJob.setMeta({ last: true });
};

export function greet(name: string): string {
  return `${name} [${trail.join(", ")}]`;
}

export function fail(how: string): unknown {
  switch (how) {
    case "map":
      return new Map();
    case "again":
      throw new Retry({ max: 1 });
    case "never":
      throw new DoNotRetry(new RangeError("for good"));
    case "later":
      setTimeout(() => {
        throw new Error("in a timer");
      });
      return new Promise((resolve) => setTimeout(resolve, 10_000));
    default:
      throw new Error(how);
  }
}

/** Notes when what it runs around has begun, and when it has ended. */
export const around: Middleware = async (_job, next) => {
  await add("begin");
  const result = await next();
  await add("end");
  return result;
};

async function add(what: string): Promise<void> {
  const before = (currentJob.meta["trail"] ?? []) as string[];
  await currentJob.setMeta({ trail: [...before, what] });
}

export async function naps(): Promise<string> {
  await currentJob.step("before", () => add("before"));
  await currentJob.sleep(1);
  await add("after");
  return "done";
}

export async function* parts(): AsyncGenerator<string, string> {
  yield "a";
  await add("between");
  yield "b";
  return "done";
}
