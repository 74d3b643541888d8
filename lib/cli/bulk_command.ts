/**
 * What the commands share that change many jobs: a progress bar, an interrupt that says how to go on, and a report.
 *
 * @module
 */

import type { BulkOptions, BulkResult } from "../queue/bulk.ts";
import { type CommandCall, INTERRUPTED } from "./command.ts";
import { fromFlags } from "./flags.ts";
import { styled } from "./output.ts";

/** What of a command's call is needed. */
type Call = Pick<CommandCall, "out" | "signal">;

/** What is done to jobs: `requeue`, `requeued`. */
export interface Verb {
  readonly infinitive: string;
  readonly done: string;
}

/** One part of what is to be done, such as the jobs of a queue in one place. */
export type Part = (options: BulkOptions) => Promise<BulkResult>;

/** Does one part after the other; gives what all of them have done. */
export async function runParts(
  { out, signal }: Call,
  { infinitive }: Verb,
  parts: readonly Part[],
): Promise<BulkResult> {
  const progress = out.progress(`${infinitive} jobs`);
  let sum: BulkResult = {
    done: 0,
    refused: 0,
    looked: 0,
    total: 0,
    complete: true,
    refusals: [],
  };
  try {
    for (const part of parts) {
      const before = sum;
      const result = await part({
        signal,
        onProgress: ({ looked, total }) =>
          progress.update(before.looked + looked, before.total + total),
      });
      sum = added(sum, result);
      if (!result.complete) break;
    }
  } finally {
    await progress.end();
  }
  return sum;
}

/** Prints what was done, and returns the exit code. */
export async function report(
  { out }: Pick<Call, "out">,
  { infinitive, done }: Verb,
  result: BulkResult,
  isJson: boolean,
): Promise<number> {
  const { done: count, complete, refusals, refused, looked, total } = result;
  const exitCode = complete ? refused > 0 ? 1 : 0 : INTERRUPTED;
  if (isJson) {
    const { done: _, ...rest } = result;
    await out.json({ [done]: count, ...rest });
    return exitCode;
  }
  await out.line(`${count} ${count === 1 ? "job" : "jobs"} ${done}`);
  if (refused > 0) {
    const text = `Unable to ${infinitive} ${refused}:`;
    await out.line(styled("red", text));
    for (const refusal of refusals) await out.line(`  ${refusal}`);
    if (refused > refusals.length) await out.line("  …");
  }
  if (!complete) {
    await out.line(
      `Interrupted after ${looked} of ${total}. The same command goes on with the rest.`,
    );
  }
  return exitCode;
}

/**
 * Changes one job after the other by their ids, and reports. What is wrong with one leaves the others alone.
 *
 * @throws What is wrong with the job, or with its id, if it is the only one.
 */
export async function changeEach(
  { out, signal }: Call,
  { infinitive, done }: Verb,
  ids: readonly string[],
  change: (id: string) => Promise<void>,
  isJson: boolean,
): Promise<number> {
  const [only, ...others] = ids;
  if (only !== undefined && others.length === 0) {
    await fromFlags(() => change(only));
    if (isJson) await out.json([{ id: only, [done]: true }]);
    else await out.line(`Job ${only} ${done}`);
    return 0;
  }
  const errors = new Map<string, string>();
  const progress = out.progress(`${infinitive} jobs`);
  let looked = 0;
  try {
    for (const id of ids) {
      if (signal.aborted) break;
      await change(id).catch((error) => {
        if (!isOfOneJob(error)) throw error;
        errors.set(id, error.message);
      });
      progress.update(++looked, ids.length);
    }
  } finally {
    await progress.end();
  }
  const complete = looked === ids.length;
  const exitCode = complete ? errors.size > 0 ? 1 : 0 : INTERRUPTED;
  if (isJson) {
    await out.json(
      ids.slice(0, looked).map((id) => {
        const error = errors.get(id);
        return { id, [done]: error === undefined, ...error && { error } };
      }),
    );
    return exitCode;
  }
  const count = looked - errors.size;
  await out.line(`${count} of ${ids.length} jobs ${done}`);
  for (const error of errors.values()) await out.line(styled("red", error));
  if (!complete) {
    await out.line(`Interrupted. The rest: ${ids.slice(looked).join(" ")}`);
  }
  return exitCode;
}

/** Whether an error is about the one job that a call was about. */
function isOfOneJob(error: unknown): error is Error {
  const names = [
    "NoSuchJobError",
    "InvalidJobOperationError",
    "DuplicateJobError",
    "RangeError",
  ];
  return error instanceof Error && names.includes(error.name);
}

function added(sum: BulkResult, result: BulkResult): BulkResult {
  return {
    done: sum.done + result.done,
    refused: sum.refused + result.refused,
    looked: sum.looked + result.looked,
    total: sum.total + result.total,
    complete: sum.complete && result.complete,
    refusals: [...sum.refusals, ...result.refusals].slice(0, 20),
  };
}
