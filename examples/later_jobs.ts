/** Jobs of the example of jobs for later. */

import { currentJob } from "@deno-rq/rq/current";

/** Says something. */
export function remind(text: string): string {
  return `reminded of ${text}`;
}

/** Adds a job that runs a second later; gives its id. */
export async function order(): Promise<string> {
  const later = await currentJob.enqueueCall({
    func: remind,
    args: ["the order"],
    in: 1,
  });
  return later.id;
}
