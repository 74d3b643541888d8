/**
 * The transitions of the table: what is called, and in what circumstances. None of them asks in which state the job is.
 */

import { assert } from "@std/assert";
import { DuplicateJobError } from "../../lib/base/errors.ts";
import { encodeFailure, encodeResult } from "../../lib/job/result_codec.ts";
import type {
  Execution,
  WorkerIdentity,
} from "../../lib/store/worker_types.ts";
import {
  addParent,
  beginRelease,
  expireHash,
  expireKeys,
  expireLease,
  makeDue,
  missHeartbeat,
  missParentsEnd,
  popLongAgo,
  setFields,
  strayIntoScheduled,
  waitForParent,
} from "./job_circumstances.ts";
import {
  JOB,
  lostExecution,
  PARENT,
  PARENTS_QUEUE,
  QUEUE,
  type Scene,
} from "./job_states.ts";
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

/** The job as one that the worker has popped. */
const POPPED = { queue: QUEUE, jobId: JOB };

/** Every transition, by the name that the table has for it. */
export const TRANSITIONS: Readonly<Record<string, Transition>> = {
  "enqueue": { run: (stage) => enqueue(stage, {}) },
  "enqueue, a parent waits": {
    prepare: addParent,
    run: (stage) => enqueue(stage, { dependsOn: [PARENT] }),
  },
  "enqueue, for later": { run: (stage) => enqueue(stage, { due: "+3600" }) },
  "cancel": {
    async run({ jobs }) {
      const { done, gone } = await jobs.cancel(JOB);
      return done ? "canceled" : gone ? "gone" : "already";
    },
  },
  "delete": {
    reports: true,
    run: async ({ jobs }) => await jobs.delete(JOB) ? "deleted" : "gone",
  },
  "requeue": {
    async run({ jobs }) {
      const { done, gone } = await jobs.requeue(JOB, false);
      return done ? "requeued" : gone ? "gone" : "not-failed";
    },
  },
  "take off the queue": {
    reports: true,
    run: async ({ jobs }) =>
      await jobs.remove(QUEUE, JOB) ? "removed" : "not-there",
  },
  "empty the queue": {
    reports: true,
    run: async ({ jobs }) => `${await jobs.empty(QUEUE)}`,
  },
  "delete the queue": {
    run: ({ jobs }) => jobs.deleteQueue(QUEUE).then(silent),
  },
  "write fields": {
    async run({ jobs }) {
      const fields = new Map([["description", "words"] as const]);
      return await jobs.setFields(JOB, fields) ? "written" : "gone";
    },
  },
  "wait for it": {
    run: async ({ jobs }) => (await jobs.await(JOB)).exists ? "there" : "gone",
  },

  "claim": { run: (stage) => claim(stage, []) },
  "claim, its id pushed by hand": {
    reports: true,
    prepare: ({ bench }) => bench.send("RPUSH", bench.keys.queue(QUEUE), JOB),
    run: (stage) => claim(stage, []),
  },
  "claim, its hash expired": {
    reports: true,
    prepare: expireHash,
    run: (stage) => claim(stage, []),
  },
  "claim what was popped": {
    run: (stage) => claim(stage, [POPPED]),
  },
  "claim, suspended": {
    prepare: ({ bench }) =>
      bench.send("SET", `${bench.keys.prefix}suspended`, 1),
    run: (stage) => claim(stage, [POPPED]),
  },
  "give back what was popped": {
    run: ({ workers }) => workers.giveBack(POPPED).then(silent),
  },
  "heartbeat": { run: (stage) => heartbeat(stage, stage.execution) },
  "heartbeat, lease lost": {
    run: (stage) => heartbeat(stage, lostExecution()),
  },
  "record": { run: (stage) => record(stage, stage.execution) },
  "record, lease lost": { run: (stage) => record(stage, lostExecution()) },

  "finish": { run: (stage) => end(stage, { outcome: "finished" }) },
  "finish, had no heartbeat": {
    prepare: missHeartbeat,
    run: (stage) => end(stage, { outcome: "finished", hadHeartbeat: false }),
  },
  "finish, not kept": {
    run: (stage) => end(stage, { outcome: "finished", ttl: 0 }),
  },
  "finish, lease lost": {
    run: (stage) =>
      end({ ...stage, execution: lostExecution() }, { outcome: "finished" }),
  },
  "finish, its hash expired": {
    prepare: expireHash,
    run: (stage) => end(stage, { outcome: "finished" }),
  },
  "finish, a repeat is left": {
    prepare: (stage) => setFields(stage, { repeats_left: 1 }),
    run: (stage) => end(stage, { outcome: "finished" }),
  },
  "finish, a repeat later": {
    prepare: (stage) =>
      setFields(stage, { repeats_left: 1, repeat_intervals: "[600]" }),
    run: (stage) => end(stage, { outcome: "finished" }),
  },
  "finish, repeat, not kept": {
    prepare: (stage) => setFields(stage, { repeats_left: 1 }),
    run: (stage) => end(stage, { outcome: "finished", ttl: 0 }),
  },
  "fail": { run: (stage) => end(stage, { outcome: "failed" }) },
  "fail, not kept": {
    run: (stage) => end(stage, { outcome: "failed", ttl: 0 }),
  },
  "fail, a retry is left": {
    prepare: (stage) => setFields(stage, { retries_left: 1 }),
    run: (stage) => end(stage, { outcome: "failed" }),
  },
  "fail, a retry later is left": {
    prepare: (stage) =>
      setFields(stage, { retries_left: 1, retry_intervals: "[600]" }),
    run: (stage) => end(stage, { outcome: "failed" }),
  },
  "fail, it asks for a retry": {
    run: (stage) => end(stage, { outcome: "failed", retry: { type: "again" } }),
  },
  "fail, never to be retried": {
    prepare: (stage) => setFields(stage, { retries_left: 1 }),
    run: (stage) => end(stage, { outcome: "failed", retry: { type: "never" } }),
  },
  "stop": { run: (stage) => end(stage, { outcome: "stopped" }) },
  "stop, not kept": {
    run: (stage) => end(stage, { outcome: "stopped", ttl: 0 }),
  },
  "put back": { run: (stage) => end(stage, { outcome: "requeued" }) },
  "return, not begun": {
    run: (stage) => end(stage, { outcome: "released", payload: "", ttl: -1 }),
  },

  "recover": { reports: true, run: recover },
  "recover, lease ran out": {
    reports: true,
    prepare: expireLease,
    run: recover,
  },
  "recover, for the 4th time": {
    reports: true,
    async prepare(stage) {
      await expireLease(stage);
      const { bench } = stage;
      const since = await bench.field(JOB, "enqueued_at");
      await setFields(stage, { x_abandoned: `3 ${since}` });
    },
    run: recover,
  },
  "recover, popped long ago": {
    reports: true,
    prepare: popLongAgo,
    run: recover,
  },
  "recover, worker died": {
    reports: true,
    // and somebody's clean-up has dropped its lease, as RQ before 2.0 does
    async prepare({ bench, worker, execution }) {
      const key = bench.keys.worker(worker.name);
      await bench.send("HSET", key, "x_heartbeat", 1);
      await bench.takeAway(execution);
    },
    async run(stage) {
      await stage.sweeps.dropDeadWorkers([QUEUE]);
      await expireLease(stage);
      return recover(stage);
    },
  },
  "drop what has expired": {
    reports: true,
    prepare: expireKeys,
    async run({ sweeps }) {
      const dropped = await sweeps.dropExpired([QUEUE]);
      return `${dropped + await sweeps.dropCanceled(QUEUE)}`;
    },
  },
  "sweep, its hash expired": {
    reports: true,
    async prepare(stage) {
      await expireHash(stage);
      await expireLease(stage);
      await popLongAgo(stage);
      await makeDue(stage);
    },
    async run(stage) {
      await recover(stage);
      await sweepRegistries(stage);
      return "-";
    },
  },
  "promote scheduled": {
    reports: true,
    run: async ({ sweeps }) =>
      `${(await sweeps.promoteScheduled(QUEUE)).moved}`,
  },
  "promote scheduled, due": {
    reports: true,
    prepare: makeDue,
    run: async ({ sweeps }) =>
      `${(await sweeps.promoteScheduled(QUEUE)).moved}`,
  },
  "promote scheduled, a stray": {
    reports: true,
    prepare: strayIntoScheduled,
    run: async ({ sweeps }) =>
      `${(await sweeps.promoteScheduled(QUEUE)).moved}`,
  },
  "promote deferred": {
    reports: true,
    prepare: waitForParent,
    run: async ({ sweeps }) => `${await sweeps.promoteDeferred(QUEUE)}`,
  },
  "promote deferred, due": {
    reports: true,
    prepare: missParentsEnd,
    run: async ({ sweeps }) => `${await sweeps.promoteDeferred(QUEUE)}`,
  },

  "its parent finishes": {
    prepare: waitForParent,
    run: (stage) => endParent(stage, "finished"),
  },
  "its parent fails": {
    prepare: waitForParent,
    run: (stage) => endParent(stage, "failed"),
  },
  "its parent fails, allowed": {
    async prepare(stage) {
      await waitForParent(stage);
      await setFields(stage, { allow_dependency_failures: 1 });
    },
    run: (stage) => endParent(stage, "failed"),
  },
  "its parent is stopped": {
    prepare: waitForParent,
    run: (stage) => endParent(stage, "stopped"),
  },
  "its parent is canceled": {
    prepare: waitForParent,
    run: ({ jobs }) => jobs.cancel(PARENT).then(silent),
  },
  "its parent is deleted": {
    prepare: waitForParent,
    run: ({ jobs }) => jobs.delete(PARENT).then(silent),
  },
  "go on releasing it": {
    reports: true,
    prepare: beginRelease,
    run: async ({ sweeps }) => `${await sweeps.releaseHeld()}`,
  },
};

function end(
  { workers, worker, execution }: Stage,
  ending: Partial<Ending> & Pick<Ending, "outcome">,
): Promise<string> {
  const payload = ending.outcome === "failed" || ending.outcome === "stopped"
    ? encodeFailure("Error: bad\n    at f (a.ts:1:1)")
    : encodeResult(`"done"`);
  const whole = { ttl: 500, payload, workedMs: 12.5, ...ending };
  return endOne(workers, worker, execution, whole);
}

/** Enqueues the job; gives its status, or that the id is taken. */
export async function enqueue(
  { jobs }: Stage,
  options: AddOptions,
): Promise<string> {
  try {
    const { status } = await jobs.enqueue(
      newJob(JOB, { queue: QUEUE, ...options }),
    );
    return status;
  } catch (error) {
    assert(error instanceof DuplicateJobError, `${error}`);
    return "duplicate";
  }
}

async function claim(
  { workers, worker }: Stage,
  popped: readonly { readonly queue: string; readonly jobId: string }[],
): Promise<string> {
  const reply = await workers.claim(worker, { jobs: 1, popped });
  const [skipped] = reply.skipped;
  if (skipped !== undefined) return skipped.reason;
  return reply.kind === "jobs" ? "claimed" : reply.kind;
}

async function heartbeat(
  { workers, worker }: Stage,
  execution: Execution,
): Promise<string> {
  const { lost } = await workers.heartbeat(worker, 480, [execution]);
  return lost.has(execution.id) ? "lost" : "ok";
}

async function record(
  { workers }: Stage,
  execution: Execution,
): Promise<string> {
  return await workers.record(execution, { meta: "{}" }) ? "written" : "lost";
}

async function recover({ sweeps }: Stage): Promise<string> {
  const { requeued, failed } = await sweeps.recover(QUEUE, ABANDONED);
  return requeued.length > 0 ? "requeued" : failed.length > 0 ? "failed" : "-";
}

async function sweepRegistries({ sweeps }: Stage): Promise<string> {
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

function silent(): string {
  return "-";
}
