/** The part of the table of transitions that has to do with `meta`; see transitions_test.ts. */

import { mergeMeta } from "../../lib/store/merge_meta.ts";
import { JOB, lostExecution } from "./job_states.ts";
import type { Stage, Transition } from "./transition_calls.ts";

/** See {@linkcode readTable}. */
export const META_TABLE: string = `
                         | otherwise queued popped started  rq-started finished failed stopped deferred scheduled canceled created ready limited gone

patch its meta           | =         .      .      .        .          .        .      .       .        .         .        .       .     .       .
                         | written   .      .      .        .          .        .      .       .        .         .        .       .     .       gone
it patches its meta      | =         .      .      .        .          .        .      .       .        .         .        .       .     .       .
                         | lost      .      .      written  .          .        .      .       .        .         .        .       .     .       gone
the same, lease lost     | =         .      .      .        .          .        .      .       .        .         .        .       .     .       .
                         | lost      .      .      .        .          .        .      .       .        .         .        .       .     .       gone
`;

async function patch({ jobs }: Stage, execution?: string): Promise<string> {
  const merged = await mergeMeta(
    jobs,
    JOB,
    { set: { n: 1 }, removed: [] },
    { known: undefined, ...(execution === undefined ? {} : { execution }) },
  );
  return typeof merged === "string" ? merged : "written";
}

/** Each of them, by the name that the table has for it. */
export const META_TRANSITIONS: Readonly<Record<string, Transition>> = {
  "patch its meta": { run: (stage) => patch(stage) },
  "it patches its meta": { run: (stage) => patch(stage, stage.execution.id) },
  "the same, lease lost": { run: (stage) => patch(stage, lostExecution().id) },
};
