/** Jobs with contracts, by three libraries. */

import { type Enqueueable, job } from "@deno-rq/rq";
import { currentJob } from "@deno-rq/rq/current";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";

export const send: Enqueueable<
  (letter: { to: string; copies?: number | undefined }) => Promise<string>
> = job(
  z.object({ to: z.email(), copies: z.number().int().default(1) }),
  ({ to, copies }) => `${copies} to ${to}`,
  { queue: "mail", retry: 3 },
);

export const at: Enqueueable<(when: string) => Promise<number>> = job(
  v.pipe(v.string(), v.isoTimestamp(), v.transform((text) => new Date(text))),
  (when) => when.getTime(),
);

export const add: Enqueueable<(a: number, b: number) => Promise<number>> = job(
  [type("number > 0"), type("number")],
  (a, b) => a + b,
);

/** A schema that takes its time, by no library. */
export const later: Enqueueable<(n: number) => Promise<number>> = job({
  "~standard": {
    version: 1,
    vendor: "none",
    validate: async (value: unknown) => {
      await Promise.resolve();
      return typeof value === "number" ? { value } : {
        issues: [{ message: "no number" }],
      };
    },
    types: undefined as { input: number; output: number } | undefined,
  },
}, (n) => n + 1);

export async function follow(to: string): Promise<string> {
  return (await currentJob.enqueue(send, { to })).id;
}
