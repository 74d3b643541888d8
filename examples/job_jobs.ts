/** The jobs of `job.ts`: functions that know their queue and their options. */

import { type Enqueueable, job } from "@deno-rq/rq";

export const greet: Enqueueable<(name: string) => string> = job(
  (name) => `hello, ${name}`,
  { queue: "greetings", retry: 3, timeout: "30s" },
);

/** A static method can be a job, too: `examples.job_jobs.Mailer.send`. */
export class Mailer {
  static readonly sender = "me";

  static send(to: string): string {
    return `from ${this.sender} to ${to}`;
  }
}
