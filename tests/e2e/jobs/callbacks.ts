/** Jobs that have callbacks, and the callbacks. The first argument of each job is the file that its callbacks append to. */

import {
  currentJob,
  type FailedJob,
  type FinishedJob,
  type StoppedJob,
} from "../../../lib/runner/current.ts";
import { note } from "./jobs.ts";

export function doubles(_file: string, n: number): number {
  return 2 * n;
}

export function breaks(_file: string): never {
  throw new RangeError("broken");
}

/** Has its process killed. */
export function crashes(_file: string): void {
  Deno.kill(Deno.pid, "SIGKILL");
}

/** Runs until it is ended; says when it has begun. */
export async function lasts(_file: string, begun: string): Promise<void> {
  note(begun, "begun");
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}

/** Has a child with a callback of the same module. */
export async function enqueues(file: string): Promise<string> {
  const { id } = await currentJob.enqueueCall({
    func: doubles,
    args: [file, 4],
    onSuccess: { func: tells, timeout: "7s" },
    onFailure: "callbacks.tells",
  });
  return id;
}

/** Has a child with a webhook. */
export async function enqueuesHook(url: string): Promise<string> {
  const webhooks = [{ url: new URL(url), status: "finished" }] as const;
  const { id } = await currentJob.enqueueCall({
    func: doubles,
    args: ["", 4],
    webhooks,
  });
  return id;
}

/** Appends what it is told. */
export function tells(job: FinishedJob | FailedJob | StoppedJob): void {
  const [file] = job.args as [string];
  const end = job.status === "finished" ? job.result : job.error.split("\n")[0];
  note(file, JSON.stringify([job.id, job.func, job.status, end]));
}

/** Fails, after it has said so. */
export function tellsBadly(job: FinishedJob): never {
  tells(job);
  throw new TypeError("not told");
}

/** Says that it has begun, then waits for a file. */
export async function tellsLate(job: FinishedJob): Promise<void> {
  const [file] = job.args as [string];
  note(file, "began");
  while (!await Deno.stat(`${file}.gate`).then(() => true, () => false)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  tells(job);
}

/** A callback that goes on by a job of its own. */
export async function goesOn(job: FinishedJob): Promise<void> {
  const [file] = job.args as [string];
  await currentJob.enqueue("jobs.note", file, `after ${job.id}`);
}
