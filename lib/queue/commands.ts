/**
 * RQ's commands to workers (`rq.command`), of both languages. They are sent over the worker's channel and not kept: what they
 * answer is whether somebody listened.
 *
 * @module
 */

import { InvalidJobOperationError } from "../base/errors.ts";
import { checkJobId } from "../job/names.ts";
import type { ConnectionOptions } from "../store/connection.ts";
import { sendCommand } from "../store/stop_job.ts";
import { openContext, withContext } from "./context.ts";
import { noSuchJob } from "./wait.ts";

/**
 * Tells a worker to shut down warmly: it takes no more jobs, finishes what runs, and leaves.
 *
 * @returns Whether it listened.
 */
export async function sendShutdownCommand(
  workerName: string,
  options: ConnectionOptions = {},
): Promise<boolean> {
  const action = `Cannot shut down worker "${workerName}"`;
  const command = { command: "shutdown" };
  return await withContext(
    openContext(options, action),
    ({ store }) => sendCommand(store, workerName, command),
  );
}

/**
 * Tells a worker to kill the jobs that it runs. They fail, or are tried again if they have retries left.
 *
 * @returns Whether it listened.
 */
export async function sendKillHorseCommand(
  workerName: string,
  options: ConnectionOptions = {},
): Promise<boolean> {
  const action = `Cannot kill the jobs of worker "${workerName}"`;
  const command = { command: "kill-horse" };
  return await withContext(
    openContext(options, action),
    ({ store }) => sendCommand(store, workerName, command),
  );
}

/**
 * Tells the worker that runs a job to stop it. The message may get lost, and nobody waits for it to have an effect;
 * {@linkcode Job.stop} does both.
 *
 * @returns Whether the worker listened.
 * @throws {InvalidJobOperationError} If the job is not running.
 * @throws {NoSuchJobError} If there is none.
 */
export async function sendStopJobCommand(
  jobId: string,
  options: ConnectionOptions = {},
): Promise<boolean> {
  return await sendStop(jobId, { command: "stop-job" }, options);
}

/**
 * The same for one execution: if the job has begun anew since, that run is left alone. RQ knows it from 3.0 on.
 *
 * @returns Whether the worker listened.
 * @throws {InvalidJobOperationError} If the job is not running.
 * @throws {NoSuchJobError} If there is none.
 */
export async function sendStopExecutionCommand(
  jobId: string,
  executionId: string,
  options: ConnectionOptions = {},
): Promise<boolean> {
  const command = { command: "stop-execution", execution_id: executionId };
  return await sendStop(jobId, command, options);
}

async function sendStop(
  jobId: string,
  command: Readonly<Record<string, string>>,
  options: ConnectionOptions,
): Promise<boolean> {
  const action = `Cannot stop job "${jobId}"`;
  checkJobId(jobId);
  return await withContext(openContext(options, action), async ({ store }) => {
    const record = await store.fetch(jobId);
    if (record === null) throw noSuchJob(jobId);
    const status = record.text("status");
    const worker = record.text("worker_name");
    if (status !== "started" || worker === undefined) {
      throw new InvalidJobOperationError(
        `${action}: it is ${status ?? "not running"}, not started`,
        { jobId, status: status ?? null },
      );
    }
    return await sendCommand(store, worker, { ...command, job_id: jobId });
  });
}
