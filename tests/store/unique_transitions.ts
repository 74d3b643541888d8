/** The transitions of the table that have to do with unique keys. */

import { DuplicateJobError } from "../../lib/base/errors.ts";
import {
  holdKey,
  leaveKey,
  letLookAtKeys,
  nameKey,
  takeKey,
} from "./job_circumstances.ts";
import { JOB, QUEUE } from "./job_states.ts";
import { TRANSITIONS } from "./job_transitions.ts";
import type { AddOptions } from "./support.ts";
import { newJob } from "./support.ts";
import {
  inCircumstances,
  type Stage,
  type Transition,
} from "./transition_calls.ts";

/** The fields of a job with the key. */
function unique(how: string): AddOptions["fields"] & object {
  return { x_unique: "key", x_unique_how: how };
}

/** Enqueues a job; gives its status, or the id of the one that holds the key. */
async function enqueue(
  { jobs }: Stage,
  id: string,
  how: string,
  due?: string,
): Promise<string> {
  const options = { queue: QUEUE, fields: unique(how) };
  const job = newJob(id, due === undefined ? options : { ...options, due });
  try {
    const { status, existing } = await jobs.enqueue(job);
    return existing ?? status;
  } catch (error) {
    if (!(error instanceof DuplicateJobError)) throw error;
    return error.uniqueKey === undefined ? "duplicate" : "held";
  }
}

function having(name: string): Transition {
  return inCircumstances(TRANSITIONS[name]!, (stage) => holdKey(stage));
}

/** Each of them, by the name that the table has for it. */
export const UNIQUE_TRANSITIONS: Readonly<Record<string, Transition>> = {
  "enqueue, its key is free": {
    run: (stage) => enqueue(stage, JOB, "ended error"),
  },
  "enqueue, its key is taken": {
    prepare: takeKey,
    run: (stage) => enqueue(stage, JOB, "ended error"),
  },
  "enqueue, skip if taken": {
    prepare: takeKey,
    run: (stage) => enqueue(stage, JOB, "ended skip"),
  },
  "another one, error if taken": {
    prepare: (stage) => holdKey(stage),
    run: (stage) => enqueue(stage, "new", "ended error"),
  },
  "another one, until started": {
    prepare: (stage) => holdKey(stage, "started"),
    run: (stage) => enqueue(stage, "new", "started skip"),
  },
  "another one replaces it": {
    prepare: (stage) => holdKey(stage),
    run: (stage) => enqueue(stage, "new", "ended replace"),
  },
  "another one puts it off": {
    prepare: (stage) => holdKey(stage),
    run: (stage) => enqueue(stage, "new", "started debounce", "+50"),
  },
  "cancel, has its key": having("cancel"),
  "delete, has its key": having("delete"),
  "requeue, its key is free": inCircumstances(TRANSITIONS["requeue"]!, nameKey),
  "requeue, its key is taken": {
    async prepare(stage) {
      await nameKey(stage);
      await takeKey(stage);
    },
    async run({ jobs }) {
      const { gone, status, holder } = await jobs.requeue(JOB, false);
      return holder?.jobId ??
        (gone ? "gone" : status === "" ? "done" : "not-failed");
    },
  },
  "empty the queue, has its key": having("empty the queue"),
  "free its key by hand": {
    reports: true,
    prepare: (stage) => holdKey(stage),
    run: async ({ jobs }) => `${await jobs.freeUnique(QUEUE, "key")}`,
  },
  "claim, has its key": having("claim"),
  "finish, has its key": having("finish"),
  "finish, keeps its key": having("finish, a repeat is left"),
  "finish, not kept, has a key": having("finish, not kept"),
  "fail, has its key": having("fail"),
  "fail, keeps its key": having("fail, a retry is left"),
  "fail, key kept for later": having("fail, a retry later is left"),
  "stop, has its key": having("stop"),
  "put back, has its key": having("put back"),
  "release, has its key": having("return, not begun"),
  "recover, has its key": having("recover, lease ran out"),
  "recover, 4th time, has a key": having("recover, for the 4th time"),
  "clean the keys": {
    reports: true,
    async prepare(stage) {
      await holdKey(stage);
      await letLookAtKeys(stage);
    },
    run: async ({ sweeps }) => `${await sweeps.cleanUnique()}`,
  },
  "clean the keys, it is gone": {
    reports: true,
    async prepare(stage) {
      await leaveKey(stage);
      await letLookAtKeys(stage);
    },
    run: async ({ sweeps }) => `${await sweeps.cleanUnique()}`,
  },
};
