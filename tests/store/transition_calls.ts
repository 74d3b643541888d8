/** What the transitions of the table call; each gives its answer in one word. */

import { assert } from "@std/assert";
import { DuplicateJobError } from "../../lib/base/errors.ts";
import { encodeFailure, encodeResult } from "../../lib/job/result_codec.ts";
import { create, enqueueCreated } from "../../lib/store/created_jobs.ts";
import type {
  Execution,
  WorkerIdentity,
} from "../../lib/store/worker_types.ts";
import { JOB, PARENTS_QUEUE, QUEUE, type Scene } from "./job_states.ts";
import {
  ABANDONED,
  type AddOptions,
  type Bench,
  type Ending,
  endOne,
  newJob,
} from "./support.ts";

/** A scene with a job in it. */
export interface Stage extends Scene {
  /** The execution that runs the job, or the last one that did; one that has lost it where there was none. */
  readonly execution: Execution;
}

/** A row of the table. */
export interface Transition {
  /** The circumstances. */
  prepare?(stage: Stage): Promise<unknown>;
  /** The transition itself; gives its answer in one word, `-` for none. */
  run(stage: Stage): Promise<string>;
  /** That its answer is a report of what was done: where the call is sent again, the second one has done nothing. */
  readonly reports?: true;
}

/** A transition in further circumstances, which come first. */
export function inCircumstances(
  transition: Transition,
  ...circumstances: ((stage: Stage) => Promise<unknown>)[]
): Transition {
  return {
    ...transition,
    async prepare(stage) {
      for (const prepare of circumstances) await prepare(stage);
      await transition.prepare?.(stage);
    },
  };
}

/** Ends the execution. */
export function end(
  { workers, worker, execution }: Stage,
  ending: Partial<Ending> & Pick<Ending, "outcome">,
): Promise<string> {
  const payload = ending.outcome === "failed" || ending.outcome === "stopped"
    ? encodeFailure("Error: bad\n    at f (a.ts:1:1)")
    : encodeResult(`"done"`);
  const whole = { ttl: 500, payload, workedMs: 12.5, ...ending };
  return endOne(workers, worker, execution, whole);
}

/** Enqueues the job; gives its status, or the job that is there instead, or that the id is taken. */
export async function enqueue(
  { jobs }: Stage,
  options: AddOptions,
): Promise<string> {
  try {
    const { status, existing } = await jobs.enqueue(
      newJob(JOB, { queue: QUEUE, ...options }),
    );
    return existing ?? status;
  } catch (error) {
    assert(error instanceof DuplicateJobError, `${error}`);
    return "duplicate";
  }
}

/** Stores the job without enqueueing it; or tells that the id is taken. */
export async function createJob({ jobs }: Stage): Promise<string> {
  try {
    await create(jobs, newJob(JOB, { queue: QUEUE }));
    return "created";
  } catch (error) {
    assert(error instanceof DuplicateJobError, `${error}`);
    return "duplicate";
  }
}

/** Enqueues the job if it was created before; gives its status, or why not. */
export async function enqueueWhatWasCreated({ jobs }: Stage): Promise<string> {
  const options = { queue: QUEUE, resend: true };
  const answer = await enqueueCreated(jobs, JOB, options);
  return "status" in answer && !("outcome" in answer)
    ? answer.status
    : answer.outcome.replace(" ", "-");
}

/** Claims one job; gives why it was skipped, if it was. */
export async function claim(
  { workers, worker }: Stage,
  popped: readonly { readonly queue: string; readonly jobId: string }[],
): Promise<string> {
  const reply = await workers.claim(worker, { jobs: 1, popped });
  const [skipped] = reply.skipped;
  if (skipped !== undefined) return skipped.reason.replaceAll(" ", "-");
  return reply.kind === "jobs" ? "claimed" : reply.kind;
}

/** Renews the lease of an execution. */
export async function heartbeat(
  { workers, worker }: Stage,
  execution: Execution,
): Promise<string> {
  const { lost, stopped } = await workers.heartbeat(worker, 480, [execution]);
  if (stopped.has(execution.id)) return "stop";
  return lost.has(execution.id) ? "lost" : "ok";
}

/** Writes what a running job tells of itself. */
export async function record(
  { workers }: Stage,
  execution: Execution,
): Promise<string> {
  return await workers.record(execution, { meta: "{}" }) ? "written" : "lost";
}

/** Recovers what the queue has lost. */
export async function recover({ sweeps }: Stage): Promise<string> {
  const recovered = Object.entries(await sweeps.recover(QUEUE, ABANDONED));
  return recovered.find(([, ids]) => ids.length > 0)?.[0] ?? "-";
}

/** All other passes over the queue. */
export async function sweepRegistries({ sweeps }: Stage): Promise<string> {
  const left = [
    await sweeps.dropExpired([QUEUE]),
    await sweeps.dropCanceled(QUEUE),
    await sweeps.promoteDeferred(QUEUE),
    (await sweeps.promoteScheduled(QUEUE)).moved,
  ];
  return `${left}`;
}

/** Has a worker of its own run the parent; gives the answer to that end. */
export async function endParent(
  stage: Stage,
  outcome: "finished" | "failed" | "stopped",
): Promise<string> {
  const worker = await parentsWorker(stage.bench);
  const execution = await stage.bench.claim(worker);
  return await end({ ...stage, worker, execution }, { outcome });
}

function parentsWorker(bench: Bench): Promise<WorkerIdentity> {
  return bench.worker("w2", [PARENTS_QUEUE]);
}

/** For calls that answer nothing. */
export function silent(): string {
  return "-";
}
