/** The transitions of the table that have to do with steps and streams; see tests/store/step_table.ts. */

import type { JobField } from "../../lib/job/fields.ts";
import { emit } from "../../lib/store/parts.ts";
import { keepStep, lookAtWait, signal } from "../../lib/store/steps.ts";
import { setFields } from "./job_circumstances.ts";
import { JOB } from "./job_states.ts";
import { end, type Stage, type Transition } from "./transition_calls.ts";

/** A wake in the far future, or by the signal. */
const WAKE = JSON.stringify({ at: 4_000_000_000.5, signals: ["go"] });

const fallAsleep = (stage: Stage): Promise<string> =>
  end(stage, { outcome: "asleep", payload: WAKE });

const giveSignal = async ({ jobs }: Stage): Promise<string> =>
  (await signal(jobs, JOB, "go", `"now"`)).type;

/** Writes a field that there is for each name. */
const setField = (stage: Stage, field: string, value: string) =>
  setFields(stage, { [field as JobField]: value });

const waitForSignal = (stage: Stage) =>
  setFields(stage, { x_waits_for: `["other","go"]` });

const hasSignal = async (stage: Stage): Promise<void> => {
  const hash = stage.bench.keys.job(JOB);
  const exists = await stage.bench.send("EXISTS", hash);
  if (exists === 1) await setField(stage, "x_signal:go", `token "before"`);
};

/** Each of them, by the name that the table has for it. */
export const STEP_TRANSITIONS: Readonly<Record<string, Transition>> = {
  "keep a step": {
    run: ({ workers, execution }) => keepStep(workers, execution, "a", "1"),
  },
  "look at a sleep": {
    async run({ workers, execution }) {
      const wait = { name: "#1", forSignal: false, seconds: 3_600 };
      return (await lookAtWait(workers, execution, wait)).type;
    },
  },
  "yield parts": {
    run: ({ workers, execution }) => {
      const parts = { from: 0, parts: ["1", "2"], ttl: 60 };
      return emit(workers, execution, parts);
    },
  },
  "finish, has yielded": {
    prepare: ({ workers, execution }) =>
      emit(workers, execution, { from: 0, parts: ["1"], ttl: 60 }),
    run: (stage) => end(stage, { outcome: "finished" }),
  },
  "fall asleep": { run: fallAsleep },
  "fall asleep, signaled": { prepare: hasSignal, run: fallAsleep },
  "signal": { run: giveSignal },
  "signal, it waits for it": {
    async prepare(stage) {
      await waitForSignal(stage);
      // with it, a job is scheduled for a retry
      await stage.bench.send("HDEL", stage.bench.keys.job(JOB), "ended_at");
    },
    run: giveSignal,
  },
  "signal, before a retry": { prepare: waitForSignal, run: giveSignal },
  "signal, it has it": { prepare: hasSignal, run: giveSignal },
};
