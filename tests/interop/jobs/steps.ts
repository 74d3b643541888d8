/** Jobs with steps, which only Deno has. */

import { currentJob } from "../../../lib/runner/current.ts";
import { mark } from "./shared.ts";

/** Sleeps between two steps. */
export async function rests(path: string, seconds: number): Promise<string> {
  await currentJob.step("before", () => mark(path, "before"));
  await currentJob.sleep(seconds);
  await currentJob.step("after", () => mark(path, "after"));
  return "rested";
}

/** Waits for ever for a signal. */
export async function waits(): Promise<unknown> {
  await currentJob.step("before", () => "kept");
  return await currentJob.waitFor("go");
}
