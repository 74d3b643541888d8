/** How this project's producer enqueues jobs with each feature that is measured. */

import { type EnqueueCall, Group, type Queue } from "../../../mod.ts";
import { hello } from "./jobs/bench_jobs.ts";
import { failsOnce } from "./jobs/feature_jobs.ts";

/** What an operation of a feature is told. */
export interface FeatureOptions {
  readonly feature: string;
  /** How many jobs. */
  readonly n: number;
  readonly chunk: number;
  /** Seconds until delayed jobs are due. */
  readonly delay: number;
}

type CallOf = (i: number, options: FeatureOptions) => EnqueueCall;

const plain = { func: hello, args: ["yangyi"] };

/** What is enqueued for the `i`th job. */
const CALLS: Readonly<Record<string, CallOf>> = {
  retries: () => ({ func: failsOnce, args: ["yangyi"], retry: 1 }),
  delayed: (_, { delay }) => ({ ...plain, in: delay }),
  unique: (i) => ({ ...plain, unique: { key: `key-${i}` } }),
  limits: () => ({ ...plain, rateLimit: { key: "bench", concurrency: 100 } }),
};

/** Enqueues jobs with a feature, in bulk. */
export async function enqueueFeature(
  queue: Queue,
  options: FeatureOptions,
): Promise<void> {
  const { feature, n, chunk } = options;
  if (feature === "children") return await enqueueChildren(queue, options);
  if (feature === "groups") return await enqueueGroups(queue, options);
  const callOf = CALLS[feature];
  if (callOf === undefined) throw new Error(`Cannot enqueue ${feature}`);
  for (let from = 0; from < n; from += chunk) {
    const size = Math.min(chunk, n - from);
    const calls = Array.from(
      { length: size },
      (_, i) => callOf(from + i, options),
    );
    await queue.enqueueMany(calls as unknown as EnqueueCall[]);
  }
}

/** Half of the jobs wait for one of the other half each. */
async function enqueueChildren(
  queue: Queue,
  { n, chunk }: FeatureOptions,
): Promise<void> {
  for (let left = n; left > 0; left -= chunk) {
    const size = Math.ceil(Math.min(chunk, left) / 2);
    const parents = Array<EnqueueCall>(size).fill(plain);
    const jobs = await queue.enqueueMany(parents);
    const children = jobs.map(({ id }): EnqueueCall => ({
      ...plain,
      dependsOn: id,
    }));
    await queue.enqueueMany(children);
  }
}

/** How many jobs a group has. */
const GROUP = 100;

/** Groups, one after the other. */
async function enqueueGroups(
  queue: Queue,
  { n }: FeatureOptions,
): Promise<void> {
  const { connection } = queue;
  for (let left = n; left > 0; left -= GROUP) {
    const group = await Group.create({ connection });
    const calls = Array<EnqueueCall>(Math.min(GROUP, left)).fill(plain);
    await group.enqueueMany(queue, calls);
  }
}
