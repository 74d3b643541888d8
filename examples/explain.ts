/**
 * Why does my job not run?
 *
 * ```sh
 * deno run -A examples/explain.ts
 * ```
 */

import { Queue } from "@deno-rq/rq";
import { hello } from "./rq_test.ts";

await using queue = new Queue("explain");
await queue.empty();
await queue.pause();

const first = await queue.enqueue(hello, "first");
const second = await queue.enqueue(hello, "second");
const child = await queue.enqueueCall({
  func: hello,
  args: ["child"],
  dependsOn: first,
});
const later = await queue.enqueueIn("1h", hello, "later");

for (const job of [second, child, later]) {
  const { status, reasons } = await job.explain();
  const codes = reasons.map(({ code }) => code).join(", ");
  console.log(`> ${status}: ${codes}`); // .text says it in words
}
await queue.resume();
for (const job of [first, second, child, later]) await job.delete();
