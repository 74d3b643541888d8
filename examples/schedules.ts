/**
 * Schedules: jobs that are made again and again.
 *
 * ```sh
 * deno run -A examples/schedules.ts
 * ```
 */

import { Schedules } from "@deno-rq/rq";
import { makeLogger, Worker } from "@deno-rq/rq/worker";
import { report } from "./schedules_jobs.ts";

await using schedules = new Schedules();
await schedules.upsert("every second", "* * * * * *", {
  func: report,
  args: ["the second"],
  queue: "reports",
});
await schedules.upsert("nightly", "0 2 * * *", {
  func: report,
  args: ["the night"],
  queue: "reports",
  timeZone: "Europe/Berlin",
  overlap: "skip",
});
for (const { name, when, timeZone } of await schedules.all()) {
  console.log(`${name}: ${when} ${timeZone}`);
}
const nightly = await schedules.runNow("nightly");
const log = makeLogger("ERROR", "text");
await using worker = new Worker("reports", { log });
const working = worker.work();
console.log(`> ${await nightly.wait({ timeout: 60 })}`);
while ((await schedules.runs("every second")).length < 2) {
  await new Promise((resolve) => setTimeout(resolve, 100));
}
for (const run of (await schedules.runs("every second")).slice(-2)) {
  console.log(`> ${run.outcome} for the second ${run.slot!.getSeconds()}`);
}
for (const { name } of await schedules.all()) await schedules.remove(name);
worker.stop();
await working;
