/**
 * Declares schedules in a file.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { declarations } from "../job/declared.ts";
import type { JobFunction } from "../job/stored.ts";
import type { When } from "../job/timetable.ts";
import { checkSchedule, type ScheduleOptions } from "./prepare_schedule.ts";

/**
 * Declares a schedule, in a file that is given to `worker.ts cron FILE`, or to any worker as `--cron FILE`. They store
 * what the file declares when they start, and remove what it declared before and does no longer. A program that only
 * calls this stores nothing: it uses {@linkcode Schedules}.
 *
 * @param name Its name, which no other schedule has.
 * @param when A cron expression of five fields, or six with the second before them; or an interval.
 * @param options What it runs: every option of a job, and more.
 * @throws {RangeError | TypeError} It names what is wrong, and says what it could be.
 *
 * @example
 * ```ts ignore
 * // cron.ts
 * import { cron } from "@deno-rq/rq";
 * import { report } from "./jobs.ts";
 *
 * cron("nightly report", "0 2 * * *", { func: report, args: ["all"] });
 * cron("poll", { every: "15m" }, { func: "jobs.poll", overlap: "skip" });
 * ```
 */
export function cron<F extends JobFunction>(
  name: string,
  when: When,
  options: ScheduleOptions<F>,
): void {
  const { prepare } = checkSchedule(name, when, options, { bigInts: false });
  const declared = declarations();
  if (declared.has(name)) {
    throw new RangeError(
      `Cannot schedule "${name}": a schedule of this name is declared already`,
    );
  }
  declared.set(name, async () => {
    const { timing, job, fields } = await prepare();
    return {
      name,
      timing,
      job: Buffer.from(job).toString("base64"),
      fields: fields as Record<string, string | number>,
    };
  });
}
