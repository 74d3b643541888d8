/** The transitions of the table that have to do with groups. */

import {
  cancelGroup,
  deleteGroup,
  lookAtGroup,
} from "../../lib/store/group_store.ts";
import { create } from "./groups.ts";
import { setFields } from "./job_circumstances.ts";
import { JOB } from "./job_states.ts";
import {
  end,
  enqueue,
  type Stage,
  type Transition,
} from "./transition_calls.ts";

/** Its group. */
const GROUP = "group";

/** Makes the job a member, as Python's RQ does, in whichever state it is. */
async function join(stage: Stage): Promise<void> {
  const { bench } = stage;
  await create(bench, GROUP);
  await setFields(stage, { group_id: GROUP });
  await bench.send("SADD", bench.keys.group(GROUP), JOB);
}

/** The same, and the group knows of it. */
async function joinAndCount(stage: Stage): Promise<void> {
  await join(stage);
  await lookAtGroup(stage.bench.jobs, GROUP);
}

/** What the job is counted as. */
async function countedAs({ jobs }: Stage): Promise<string> {
  const { counts } = await lookAtGroup(jobs, GROUP) ?? {};
  const { total: _, ...others } = counts ?? {};
  return Object.entries(others).find(([, n]) => n === 1)?.[0] ?? "-";
}

/** Each of them, by the name that the table has for it. */
export const GROUP_TRANSITIONS: Readonly<Record<string, Transition>> = {
  "enqueue, into a group": {
    prepare: ({ bench }) => create(bench, GROUP),
    run: (stage) => enqueue(stage, { fields: { group_id: GROUP } }),
  },
  "finish, in a group": {
    prepare: joinAndCount,
    run: (stage) => end(stage, { outcome: "finished" }),
  },
  "look at its group": { prepare: join, run: countedAs },
  "cancel its group": {
    prepare: joinAndCount,
    async run(stage) {
      await cancelGroup(stage.jobs, GROUP);
      return countedAs(stage);
    },
  },
  "delete its group": {
    reports: true,
    prepare: joinAndCount,
    run: async ({ jobs }) =>
      await deleteGroup(jobs, GROUP, false) ? "deleted" : "gone",
  },
  "delete it with its group": {
    reports: true,
    prepare: joinAndCount,
    run: async ({ jobs }) =>
      await deleteGroup(jobs, GROUP, true) ? "deleted" : "gone",
  },
};
