/**
 * A job that is repeated: it runs again each time that it succeeds, here twice, a second after the run before it.
 *
 * ```sh
 * deno run -A examples/repeat.ts
 * ```
 */

import { Queue, repeat } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { report } from "./rq_test.ts";

await using queue = new Queue("repeat");
const job = await queue.enqueueCall({
  func: report,
  args: ["once more"],
  repeat: repeat({ times: 2, interval: "1s" }),
});

const stop = new AbortController();
const log = makeLogger("INFO", "text");
const worker = new Worker(queue.name, { signal: stop.signal, log });
const working = worker.work();
do {
  console.log("result:", await job.wait({ timeout: "1m" }));
} while (await job.getStatus() !== "finished");
stop.abort();
await working;
