/** The transitions of the table that have to do with paused queues, and with asking for a stop; see tests/store/control_table.ts. */

import { pauseQueue } from "../../lib/store/pauses.ts";
import { askToStop } from "../../lib/store/stop_job.ts";
import { expireLease, setFields } from "./job_circumstances.ts";
import { JOB, QUEUE } from "./job_states.ts";
import {
  claim,
  end,
  heartbeat,
  inCircumstances,
  recover,
  type Stage,
  type Transition,
} from "./transition_calls.ts";

/** When a job that sleeps goes on. */
const WAKE = JSON.stringify({ at: 4_000_000_000.5, signals: [] });

/** Asks that the job's run be stopped; gives what came of that. */
async function ask({ jobs }: Stage, execution?: string): Promise<string> {
  const { what } = await askToStop(jobs, JOB, { execution });
  return what.replace(" ", "-");
}

/** Somebody has asked, if it runs, and it has retries left. */
async function askBefore(stage: Stage): Promise<void> {
  await setFields(stage, { retries_left: 2 });
  await askToStop(stage.bench, JOB, {});
}

const afterAsking = (transition: Transition) =>
  inCircumstances(transition, askBefore);

/** Each of them, by the name that the table has for it. */
export const CONTROL_TRANSITIONS: Readonly<Record<string, Transition>> = {
  "claim, paused": {
    prepare: ({ bench }) => pauseQueue(bench, QUEUE, Infinity),
    run: (stage) => claim(stage, [{ queue: QUEUE, jobId: JOB }]),
  },
  "claim, the pause is over": {
    reports: true,
    prepare: ({ bench }) => bench.send("HSET", bench.keys.paused, QUEUE, "1"),
    run: (stage) => claim(stage, []),
  },

  "ask to stop": { run: (stage) => ask(stage) },
  "ask to stop, lease ran out": {
    prepare: expireLease,
    run: (stage) => ask(stage),
  },
  "ask to stop an earlier run": { run: (stage) => ask(stage, "earlier") },
  "heartbeat, asked to stop": afterAsking({
    run: (stage) => heartbeat(stage, stage.execution),
  }),
  "finish, asked to stop": afterAsking({
    run: (stage) => end(stage, { outcome: "finished" }),
  }),
  "fail, asked to stop": afterAsking({
    run: (stage) => end(stage, { outcome: "failed" }),
  }),
  "ask for a retry, to stop": afterAsking({
    run: (stage) => end(stage, { outcome: "failed", retry: { type: "again" } }),
  }),
  "stop, asked to stop": afterAsking({
    run: (stage) => end(stage, { outcome: "stopped" }),
  }),
  "put back, asked to stop": afterAsking({
    run: (stage) => end(stage, { outcome: "requeued", payload: "", ttl: 0 }),
  }),
  "return, asked to stop": afterAsking({
    run: (stage) => end(stage, { outcome: "released", payload: "", ttl: -1 }),
  }),
  "fall asleep, asked to stop": afterAsking({
    run: (stage) => end(stage, { outcome: "asleep", payload: WAKE, ttl: 0 }),
  }),
  "recover, asked to stop": {
    reports: true,
    async prepare(stage) {
      await askBefore(stage);
      await expireLease(stage);
    },
    run: recover,
  },
};
