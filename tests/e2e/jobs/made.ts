/** Jobs that are made by `job()`. */

import { currentJob } from "../../../lib/runner/current.ts";
import { type Enqueueable, job, type StandardSchema } from "../../../mod.ts";

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

/** A schema by no library, so that no package is needed. */
const POSITIVE: StandardSchema<number, string> = {
  "~standard": {
    version: 1,
    vendor: "tests",
    validate: (value) =>
      typeof value === "number" && value > 0
        ? { value: `+${value}` }
        : { issues: [{ message: "not positive" }] },
  },
};

/** Gets its argument as text. */
export const show: Enqueueable<(n: number) => Promise<string>> = job(
  POSITIVE,
  function show(n: string) {
    return n;
  },
  { queue: "mail", retry: 3 },
);

/** Enqueues one that is right, and tries one that is wrong. */
export async function showTwo(): Promise<string[]> {
  const right = await currentJob.enqueue(show, 7);
  const wrong = await currentJob.enqueue(show, -1).catch(String);
  return [right.id, String(wrong)];
}
