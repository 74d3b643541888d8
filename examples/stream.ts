/**
 * A job that yields: its parts are read while it runs, here and by a browser, which goes on where it was cut off.
 *
 * ```sh
 * deno run -A examples/stream.ts
 * ```
 */

import { Queue } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { tell } from "./stream_jobs.ts";

await using queue = new Queue("stories");
await queue.empty();
const job = await queue.enqueue(tell, "a short story");
const log = makeLogger("ERROR", "text");
await using worker = new Worker(queue.name, { log });
const working = worker.work();
for await (const word of job.stream<string>()) console.log(`> ${word}`);
console.log(`> ${await job.wait({ timeout: 60 })} words`);

// For a browser: new EventSource("/") gets each word as a message.
await using server = Deno.serve(
  { port: 0, onListen: () => {} },
  (request) =>
    job.streamResponse({ from: request.headers.get("last-event-id") }),
);
const { port } = server.addr;
const response = await fetch(`http://localhost:${port}/`);
for (const line of (await response.text()).split("\n")) {
  if (line.startsWith("data:")) console.log(`> ${line}`);
}
worker.stop();
await working;
