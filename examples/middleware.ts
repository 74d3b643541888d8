/**
 * Middleware: around enqueueing in this program, and around each job in its process.
 *
 * ```sh
 * deno run -A examples/middleware.ts
 * ```
 */

import { type EnqueueMiddleware, Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";

const traced: EnqueueMiddleware = (calls, next) =>
  next(
    calls.map((call) => ({ ...call, meta: { ...call.meta, trace: "4711" } })),
  );

await using queue = new Queue("traced", { middleware: [traced] });
const good = await queue.enqueue("examples.rq_test.workat", "acme");
const bad = await queue.enqueue("examples.rq_test.workat");

const hooks = new URL("./middleware_hooks.ts", import.meta.url).href;
await using worker = new Worker(queue.name, {
  burst: true,
  log: makeLogger("CRITICAL", "text"),
  middleware: [hooks],
  exceptionHandlers: [`${hooks}#report`],
});
await worker.work();
console.log(await good.result(), "/", await bad.getStatus());
