/** The jobs of `job.ts`: functions that know their queue and their options. */

import { type Enqueueable, job } from "@deno-rq/rq";

export const greet: Enqueueable<(name: string) => string> = job(
  (name) => `hello, ${name}`,
  { queue: "greetings", retry: 3, timeout: "30s" },
);
