/**
 * What became of the jobs on which a running one depends.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { JobRecord } from "../job/record.ts";
import {
  decodeFailure,
  decodeResult,
  isFailure,
  isSuccess,
} from "../job/result_codec.ts";
import { statusOfText } from "../job/status.ts";
import { ReplyError } from "../redis/redis_client.ts";
import type { ParentReport } from "../runner/runner.ts";
import { chunks } from "../store/chunks.ts";
import { type JobState, JobStore } from "../store/job_store.ts";
import type { WorkerStore } from "../store/worker_store.ts";

/** How many are read at a time. */
const BATCH = 100;

/** The most bytes of all results together, as stored: they are held in memory, and sent to the subprocess. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * The reports for `currentJob.parents()`, in the order of the ids.
 *
 * @throws {RangeError} If all results together are too large.
 */
export async function reportParents(
  store: WorkerStore,
  ids: readonly string[],
): Promise<ParentReport[]> {
  const states = await statesOf(store, ids);
  return ids.map((id, i) => reportOf(id, states[i]!));
}

/**
 * The results that a job's function gets as further arguments, `null` where there is none.
 *
 * @throws {Error} If one cannot be read, or all together are too large.
 */
export async function passedResults(
  store: WorkerStore,
  job: JobRecord,
  bigInts: boolean,
): Promise<unknown[]> {
  const ids = job.passedIds;
  const states = await statesOf(store, ids);
  return states.map((state) => passedResult(state, bigInts));
}

/** The result that is passed of one parent, or `null`. */
export function passedResult(
  { status, latest }: JobState,
  bigInts: boolean,
): unknown {
  return status === "finished" && latest !== null && isSuccess(latest)
    ? decodeResult(latest, { bigInts }) ?? null
    : null;
}

async function statesOf(
  { client, keys }: WorkerStore,
  ids: readonly string[],
): Promise<JobState[]> {
  const jobs = new JobStore(client, keys);
  const states: JobState[] = [];
  let bytes = 0;
  for (const some of chunks(ids, BATCH)) {
    for (const state of await Promise.all(some.map((id) => read(jobs, id)))) {
      bytes += state.latest?.returnValue?.length ?? 0;
      states.push(state);
    }
    if (bytes > MOST_BYTES) {
      throw new RangeError(
        `Cannot read the results of ${ids.length} parents: together they have more than ${
          MOST_BYTES / 1024 / 1024
        } MB`,
      );
    }
  }
  return states;
}

/** The state of a job. What is of another type than a job's keys tells nothing. */
async function read(jobs: JobStore, id: string): Promise<JobState> {
  try {
    return await jobs.state(id);
  } catch (error) {
    if (!(error instanceof ReplyError && error.code === "WRONGTYPE")) {
      throw error;
    }
    return { exists: false, status: null, latest: null };
  }
}

/** What became of one parent. */
export function reportOf(id: string, state: JobState): ParentReport {
  const status = state.exists ? statusOfText(state.status) : null;
  const latest = status === null ? null : state.latest;
  if (status === "finished" && latest !== null && isSuccess(latest)) {
    const { returnValue } = latest;
    return returnValue === undefined ? { id, status, expired: false } : {
      id,
      status,
      result: Buffer.from(returnValue, "base64").toString(),
      expired: false,
    };
  }
  const hasFailed = status === "failed" || status === "stopped";
  if (hasFailed && latest !== null && isFailure(latest)) {
    return { id, status, error: decodeFailure(latest), expired: false };
  }
  const expired = status === null || status === "finished" || hasFailed;
  return { id, status, expired };
}
