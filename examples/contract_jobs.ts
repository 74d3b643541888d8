/** The job of contract.ts. */

import { type Enqueueable, job } from "@deno-rq/rq";
import { z } from "zod";

export const send: Enqueueable<
  (letter: { to: string; copies?: number | undefined }) => Promise<string>
> = job(
  z.object({ to: z.email(), copies: z.int().default(1) }),
  function send({ to, copies }) {
    return `${copies} letter to ${to}`;
  },
  { queue: "mail", retry: 3 },
);
