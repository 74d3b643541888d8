/** What the tests of groups share. */

import type { JobField } from "../../lib/job/fields.ts";
import type { RedisArg } from "../../lib/redis/redis_client.ts";
import type { GroupCallback } from "../../lib/store/group_rules.ts";
import {
  countGroup,
  type Created,
  createGroup,
  lookAtGroup,
} from "../../lib/store/group_store.ts";
import { packJob } from "../../lib/store/new_job.ts";
import { type AddOptions, type Bench, newJob } from "./support.ts";

/** What {@linkcode create} may be told of a group. */
export interface CreateOptions {
  readonly parent?: string;
  readonly ttl?: number;
  /** What the group calls for, each as a job of its own name. */
  readonly calls?: readonly GroupCallback[];
  /** Of these jobs; on queue "calls" unless they say. */
  readonly callOptions?: AddOptions;
}

/** Everything that a group can call for. */
export const ALL_CALLS: readonly GroupCallback[] = [
  "on_complete",
  "on_success",
  "on_failure",
];

/** Creates a group. */
export function create(
  { jobs }: Pick<Bench, "jobs">,
  id: string,
  options: CreateOptions = {},
): Promise<Created> {
  const { parent, ttl = 1_000, calls = [], callOptions = {} } = options;
  const callbacks = calls.map((name) => {
    const job = newJob(`${id}-${name}`, { queue: "calls", ...callOptions });
    return [name, packJob(job).slice()] as const;
  });
  return createGroup(jobs, {
    id,
    ttl,
    parent,
    callbacks: new Map(callbacks),
  });
}

/** Adds a member. */
export function addTo(
  bench: Bench,
  group: string,
  id: string,
  fields: Readonly<Partial<Record<JobField, RedisArg>>> = {},
): Promise<unknown> {
  return bench.add(id, { fields: { group_id: group, ...fields } });
}

/** Adds a job to a group as Python's RQ does. */
export async function addAsPython(
  bench: Bench,
  group: string,
  id: string,
): Promise<void> {
  await bench.add(id);
  await bench.send("HSET", bench.keys.job(id), "group_id", group);
  await bench.send("SADD", bench.keys.groups, group);
  await bench.send("SADD", bench.keys.group(group), id);
}

/** The counts that are not 0, in one line; "none" if there is no such group. */
export async function counts(bench: Bench, id: string): Promise<string> {
  const state = await countGroup(bench.jobs, id);
  if (state === null) return "none";
  const numbers = Object.entries(state.counts).filter(([, n]) => n !== 0);
  const text = numbers.map(([name, n]) => `${name} ${n}`).join(", ");
  return state.endedAt === "" ? text : `${text} (complete)`;
}

/** Whether a group is complete, without a look at its members. */
export async function isComplete(bench: Bench, id: string): Promise<boolean> {
  return await bench.send("HEXISTS", bench.keys.groupState(id), "ended_at") ===
    1;
}

/** Looks at a group once. */
export function look(bench: Bench, id: string): Promise<unknown> {
  return lookAtGroup(bench.jobs, id);
}

/** What has been called for: the ids on the queue "calls". */
export function called(bench: Bench): Promise<string[]> {
  return bench.queued("calls");
}
