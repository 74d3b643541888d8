/**
 * Jobs that depend on others: one gets their results, and each says what becomes of it if one of them fails.
 *
 * ```sh
 * deno run -A examples/dependencies.ts
 * ```
 */

import { dependency, Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { count, publish, sum, tidy } from "./dependencies_jobs.ts";

await using queue = new Queue("dependencies");
await queue.empty();

const counts = await queue.enqueueMany([
  { func: count, args: ["to be or not to be"] },
  { func: count, args: ["that is the question"] },
]);
const bad = await queue.enqueue(count, "");
const total = await queue.enqueueCall({
  func: sum, // sum("words", 6, 4)
  args: ["words"],
  dependsOn: dependency(counts, { passResults: true }),
});
const published = await queue.enqueueCall({
  func: publish,
  dependsOn: dependency([total, bad], { ifParentFails: "fail" }),
});
const tidied = await queue.enqueueCall({
  func: tidy,
  dependsOn: [
    dependency([published, bad], { ifParentFails: "run" }),
    total,
  ],
});

const log = makeLogger("CRITICAL", "text");
await new Worker(queue.name, { burst: true, log }).work();
console.log(`> ${await total.result()}`);
await published.refresh();
const { status } = published.decidedBy!;
console.log(`> not published: job "count" has ${status}`);
console.log(`> ${await tidied.result()}`);
