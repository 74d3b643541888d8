/** What middleware.ts has its worker run around jobs. */

import type { ExceptionHandler, Middleware } from "@deno-rq/rq/current";

/** Tells when a job begins and how it ends. */
const trace: Middleware = async (job, next) => {
  console.log(`trace ${job.meta["trace"]}: ${job.func} begins`);
  const result = await next();
  console.log(`trace ${job.meta["trace"]}: it gives ${result}`);
  return result;
};
export default trace;

/** Reports what a job throws. */
export const report: ExceptionHandler = (job, error) => {
  console.log(`trace ${job.meta["trace"]}: ${job.func} throws ${error}`);
};
