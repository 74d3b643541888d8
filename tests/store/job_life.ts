/** How long the hash of a job lives, for the table of all transitions. */

import { setFields } from "./job_circumstances.ts";
import { JOB } from "./job_states.ts";
import type { Bench } from "./support.ts";

/** How long a hash lives: for ever, as long as the job may wait, or as long as an ended job is kept. */
export type Life = "for ever" | "its wait" | "after its end" | "no hash";

/** The wait that each job that waits is allowed; other than any time for which an ended job is kept. */
const WAIT = 100_000;

const ENDED = /^(finished|failed|stopped|canceled)/;

/** Limits the wait of the job, if it waits. */
export async function limitWait(bench: Bench): Promise<void> {
  const status = await bench.status(JOB);
  if (status === null || status === "started" || ENDED.test(status)) return;
  await setFields({ bench }, { ttl: WAIT });
  await bench.send("EXPIRE", bench.keys.job(JOB), WAIT);
}

/** How long the job's hash lives. */
export async function lifeOf(bench: Bench): Promise<Life> {
  const ttl = await bench.ttl(bench.keys.job(JOB));
  if (ttl < 0) return ttl === -1 ? "for ever" : "no hash";
  return Math.abs(ttl - WAIT) < 100 ? "its wait" : "after its end";
}

/** A wait goes on in the next place where the job waits. A job that runs, or waits anew, has no time to live. */
export function lifeAfter(lived: Life, before: string, after: string): Life {
  if (after.startsWith("gone")) return "no hash";
  if (ENDED.test(after)) return "after its end";
  const waited = !/^(started|rq-started|gone)/.test(before) &&
    !ENDED.test(before);
  return waited && !after.startsWith("started") ? lived : "for ever";
}
