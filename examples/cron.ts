/**
 * Declares schedules, for the program that only makes jobs, and for any worker:
 *
 * ```sh
 * deno run -A worker.ts cron examples/cron.ts
 * deno run -A worker.ts --cron examples/cron.ts --queues reports
 * ```
 */

import { cron } from "@deno-rq/rq";
import { report } from "./schedules_jobs.ts";

cron("nightly report", "0 2 * * *", {
  func: report,
  args: ["the night"],
  queue: "reports",
  timeZone: "Europe/Berlin",
  overlap: "skip",
});
cron("hourly report", { every: "1h" }, {
  func: report,
  args: ["the hour"],
  queue: "reports",
  missed: "skip",
});
