/** Jobs of the example of retries. */

import { currentJob, DoNotRetry, Retry } from "@deno-rq/rq/current";

/** Fails in its first two runs. */
export function unsteady(): string {
  const { attempt } = currentJob;
  if (attempt < 3) throw new Error(`run ${attempt} has failed`);
  return `done in run ${attempt}`;
}

/** Asks to be tried again in a second; knows when there is no use. */
export function askForMore(pages: number): string {
  if (pages < 0) throw new DoNotRetry(new RangeError(`${pages} pages`));
  const { attempt } = currentJob;
  if (attempt < pages) throw new Retry({ in: 1, max: 10 });
  return `${attempt} pages`;
}
