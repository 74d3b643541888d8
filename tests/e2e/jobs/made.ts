/** Jobs that are made by `job()`. */

import { currentJob } from "../../../lib/runner/current.ts";
import { type Enqueueable, job } from "../../../mod.ts";

export const send: Enqueueable<(to: string) => string> = job(
  (to) => `sent to ${to}`,
  { queue: "mail", timeout: "30s", in: "1h" },
);

/** Enqueues follow-up jobs of it, and calls it. */
export async function chain(): Promise<string[]> {
  const own = await currentJob.enqueue(send, "a");
  const other = await currentJob.enqueueCall({
    func: send,
    args: ["b"],
    queue: "low",
    at: new Date(0),
    tags: ["chained"],
  });
  return [own.id, other.id, await send("c")];
}
