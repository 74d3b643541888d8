/**
 * Contracts: a schema says which arguments a job takes.
 *
 * ```sh
 * deno run -A worker.ts mail &
 * deno run -A examples/contract.ts
 * ```
 */

import { ArgumentsError } from "@deno-rq/rq";
import { send } from "./contract_jobs.ts";

const job = await send.enqueue({ to: "ann@b.org" });
console.log(job.description, "=>", await job.wait({ timeout: 60 }));

try {
  await send.enqueue({ to: "nobody" });
} catch (error) {
  if (!(error instanceof ArgumentsError)) throw error;
  console.log(error.message);
}
