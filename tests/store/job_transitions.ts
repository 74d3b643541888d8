/**
 * The transitions of the table: what is called, and in what circumstances. None of them asks in which state the job is.
 */

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
  scheduleReplaces,
  setFields,
  strayIntoScheduled,
  waitForParent,
} from "./job_circumstances.ts";
import { claimSlot } from "./schedule_scenes.ts";
import { JOB, lostExecution, PARENT, QUEUE } from "./job_states.ts";
import {
  claim,
  createJob,
  end,
  endParent,
  enqueue,
  enqueueWhatWasCreated,
  heartbeat,
  record,
  recover,
  silent,
  sweepRegistries,
  type Transition,
} from "./transition_calls.ts";

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
  "create": { run: createJob },
  "enqueue what was created": { run: enqueueWhatWasCreated },
  "the same, a parent waits": {
    async prepare(stage) {
      await addParent(stage);
      await setFields(stage, { dependency_ids: JSON.stringify([PARENT]) });
    },
    run: enqueueWhatWasCreated,
  },
  "the same, for later": {
    prepare: (stage) => setFields(stage, { x_due: "+60" }),
    run: enqueueWhatWasCreated,
  },
  "cancel": {
    async run({ jobs }) {
      const { done, gone } = await jobs.cancel(JOB);
      return done ? "canceled" : gone ? "gone" : "already";
    },
  },
  "a schedule replaces it": {
    reports: true,
    prepare: scheduleReplaces,
    run: async ({ schedules }) => {
      const { outcome, other } = await claimSlot(schedules, "s");
      return other === JOB ? `${outcome}+canceled` : outcome;
    },
  },
  "cancel, has a webhook": {
    prepare: (stage) =>
      setFields(stage, {
        x_webhooks: `[{"url":"http://a.b","job_status":"canceled"}]`,
      }),
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
  "finish, has a callback": {
    prepare: (stage) =>
      setFields(stage, { success_callback_name: "jobs.done" }),
    run: (stage) => end(stage, { outcome: "finished" }),
  },
  "fail": { run: (stage) => end(stage, { outcome: "failed" }) },
  "fail, not kept": {
    run: (stage) => end(stage, { outcome: "failed", ttl: 0 }),
  },
  "fail, has a callback": {
    prepare: (stage) =>
      setFields(stage, { failure_callback_name: "jobs.failed" }),
    run: (stage) => end(stage, { outcome: "failed" }),
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
  "stop, has a callback": {
    prepare: (stage) =>
      setFields(stage, { stopped_callback_name: "jobs.stopped" }),
    run: (stage) => end(stage, { outcome: "stopped" }),
  },
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
