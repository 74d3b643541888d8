/** What jobs with a feature cost: how fast they are enqueued and run, and what delayed ones take in Redis. */

import { Child } from "../children.ts";
import {
  BULK_CHUNK,
  type Context,
  type Measurement,
  type Readings,
  sleep,
} from "../context.ts";
import { readServer } from "../server_stats.ts";
import type { Isolation, System, SystemName } from "../systems.ts";

/** One feature. */
interface Feature {
  readonly name: string;
  readonly title: string;
  /** Whether the jobs are delayed. */
  readonly isDelayed?: boolean;
}

const RATED: readonly Feature[] = [
  { name: "retries", title: "each fails once and is tried again" },
  { name: "delayed", title: "delayed, all due at once", isDelayed: true },
  { name: "unique", title: "each with a unique key" },
  { name: "limits", title: "at most 100 of a key at a time" },
  { name: "children", title: "parents and children, in pairs" },
  { name: "groups", title: "in groups of 100" },
];

/** As each system runs many small jobs best. */
const WAYS: Readonly<Record<SystemName, readonly [Isolation, number]>> = {
  ours: ["shared", 100],
  rq: ["reuse", 1],
  bullmq: ["shared", 100],
};

/** Seconds that delayed jobs are delayed; they are due before the workers start. */
const DELAY = 1;
/** Seconds of a delay that nobody lives to see. */
const LONG_DELAY = 86_400;
/** How long something may take, in milliseconds. */
const GIVE_UP_MS = 120_000;
/** How long workers may take to leave, in milliseconds. */
const STOP_MS = 10_000;
/** How much fewer jobs the others get whose memory is added up: theirs take long to enqueue. */
const FEWER = 20;

/** Jobs per second with each of them. */
export const featureRates: readonly Measurement[] = RATED.map((feature) => {
  const id = `features.${feature.name}`;
  return {
    name: feature.name,
    metrics: [
      { id: `${id}.enqueue`, title: `enqueue, ${feature.title}`, unit: "/s" },
      { id: `${id}.run`, title: "· run", unit: "/s" },
    ],
    run: (system, context) => rates(feature, system, context),
  };
});

async function rates(
  { name, isDelayed = false }: Feature,
  system: System,
  context: Context,
): Promise<Readings> {
  const key = `${name} ${system.name}`;
  const first = system.name === "rq" ? 200 : 1_000;
  const jobs = 2 * Math.ceil(context.sizer.size(key, first, 50_000) / 2);
  const ms = await enqueue(system, name, jobs);
  if (isDelayed) await sleep(DELAY * 1_000);
  const seconds = await secondsToRun(system, context, jobs, isDelayed);
  const perSecond = jobs / seconds;
  context.sizer.saw(key, perSecond);
  const id = `features.${name}`;
  return { [`${id}.enqueue`]: jobs * 1_000 / ms, [`${id}.run`]: perSecond };
}

/**
 * Has workers run all jobs; gives the seconds from when they take the first. Not the slope between two marks as elsewhere:
 * jobs that are tried again, or wait for others, do not finish evenly.
 */
async function secondsToRun(
  system: System,
  context: Context,
  jobs: number,
  schedules: boolean,
): Promise<number> {
  const { probe } = context;
  const state = async () => ({
    done: await probe.number("ZCARD", system.finishedKey),
    waiting: await probe.number("LLEN", system.waitingKey),
    scheduled: await probe.number("ZCARD", system.scheduledKey),
  });
  const before = await state();
  await using _workers = startWorkers(system, context, schedules);
  return await secondsUntil(async () => {
    const { done, waiting, scheduled } = await state();
    const begun = done > 0 || waiting < before.waiting ||
      scheduled < before.scheduled;
    return done >= jobs ? "over" : begun ? "begun" : "waiting";
  });
}

/** They leave by themselves at the end: RQ's scheduler is a process of its own, which would outlive a killed worker. */
function startWorkers(
  system: System,
  { verbose }: Context,
  schedules: boolean,
): AsyncDisposable {
  const stderr = verbose ? "inherit" : "null";
  const programs = system.workers(...WAYS[system.name], schedules);
  const workers = programs.map((program) =>
    new Child(program, { stdin: "null", stdout: "null", stderr })
  );
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.stop(STOP_MS)));
    },
  };
}

/** Seconds from the first look at which something has begun to the first at which it is over. */
async function secondsUntil(
  look: () => Promise<"waiting" | "begun" | "over">,
): Promise<number> {
  const giveUpAt = performance.now() + GIVE_UP_MS;
  for (let began: number | undefined;;) {
    const seen = await look();
    const now = performance.now();
    if (seen !== "waiting") began ??= now;
    if (seen === "over") return (now - (began ?? now)) / 1_000;
    if (now > giveUpAt) {
      throw new Error(`Cannot go on: not over in ${GIVE_UP_MS / 1_000} s`);
    }
    await sleep(began === undefined ? 1 : 5);
  }
}

/** Gives the milliseconds that it took. */
function enqueue(
  system: System,
  feature: string,
  n: number,
  delay = DELAY,
): Promise<number> {
  const options = { feature, n, chunk: BULK_CHUNK, delay };
  return system.driver.call<number>("feature", options, 600_000);
}

/** How fast many delayed jobs that are due at the same time leave the set of delayed jobs, while a worker runs them. */
export const dueAtOnce: Measurement = {
  name: "due",
  once: true,
  metrics: [
    { id: "features.due.jobs", title: "jobs due at once", unit: "" },
    { id: "features.due.rate", title: "· queued", unit: "/s" },
    { id: "features.due.seconds", title: "· until all are queued", unit: "s" },
  ],
  async run(system, context) {
    const most = context.scale.depth / 10;
    const jobs = system.name === "rq" ? most / FEWER : most;
    await enqueue(system, "delayed", jobs);
    await sleep(DELAY * 1_000);
    await using _workers = startWorkers(system, context, true);
    const seconds = await secondsUntil(async () => {
      const left = await context.probe.number("ZCARD", system.scheduledKey);
      return left === 0 ? "over" : left < jobs ? "begun" : "waiting";
    });
    return {
      "features.due.jobs": jobs,
      "features.due.rate": jobs / seconds,
      "features.due.seconds": seconds,
    };
  },
};

/** Bytes per delayed job, by Redis' `used_memory`. */
export const delayedMemory: Measurement = {
  name: "delayed-memory",
  once: true,
  metrics: [
    {
      id: "features.delayed.memory",
      title: "Redis, per delayed job, by used_memory",
      unit: "B",
    },
  ],
  async run(system, { probe, scale }) {
    const jobs = system.name === "ours" ? scale.depth : scale.depth / FEWER;
    await enqueue(system, "delayed", 1, LONG_DELAY);
    const before = await readServer(probe);
    await enqueue(system, "delayed", jobs, LONG_DELAY);
    const after = await readServer(probe);
    const bytes = after.usedBytes - before.usedBytes;
    return { "features.delayed.memory": bytes / jobs };
  },
};
