/** Whether a job costs more where many are waiting. */

import type { Context, Measurement, Readings } from "../context.ts";
import { drain } from "../drain.ts";
import { undisturbed } from "../priority.ts";
import { median } from "../results.ts";
import { microsBetween, readServer, slowScripts } from "../server_stats.ts";
import type { Isolation, System } from "../systems.ts";
import { fill } from "./enqueue.ts";

const SHORT = 1_000;
const LONG_MS = 5;
/** What is added in bulk to a queue that is long already: too little for Redis to make its tables larger. */
const FURTHER = 0.02;

/** Jobs that are enqueued and run, again and again, so that the queue keeps its length. */
const JOBS: Readonly<Record<Isolation, number>> = {
  process: 200,
  reuse: 600,
  shared: 600,
};

/** Enqueue and run, with a short and with a long queue. */
export const scaling: Measurement = {
  name: "scaling",
  once: true,
  metrics: [
    ...atLength("short", "1,000 queued"),
    ...atLength("long", "a long queue"),
    {
      id: "scaling.longest",
      title: "longest script with the long queue",
      unit: "ms",
    },
    { id: "scaling.over", title: "· scripts over 5 ms", unit: "" },
    {
      id: "scaling.longest-growing",
      title: "· longest while the queue grew, Redis' tables with it",
      unit: "ms",
    },
  ],
  async run(system, context) {
    const { probe, scale } = context;
    await using _priority = await undisturbed(probe);
    await fill(system, SHORT);
    const short = await costs("short", system, context);
    await probe.send("FLUSHALL");
    await probe.send("SLOWLOG", "RESET");
    await fill(system, scale.depth);
    const growing = await slowScripts(probe);
    await probe.send("SLOWLOG", "RESET");
    await fill(system, scale.depth * FURTHER);
    const long = await costs("long", system, context);
    // RQ has no scripts in these paths.
    if (system.name === "rq") return { ...short, ...long };
    const slow = await slowScripts(probe);
    return {
      ...short,
      ...long,
      "scaling.longest": Math.max(0, ...slow),
      "scaling.over": slow.filter((ms) => ms > LONG_MS).length,
      "scaling.longest-growing": Math.max(0, ...growing),
    };
  },
};

function atLength(name: string, title: string) {
  return [
    {
      id: `scaling.${name}.enqueue`,
      title: `enqueue one, ${title}`,
      unit: "µs",
    },
    {
      id: `scaling.${name}.enqueue-redis`,
      title: "· of it in Redis",
      unit: "µs",
    },
    {
      id: `scaling.${name}.run-redis`,
      title: "· claim and finish one, time in Redis",
      unit: "µs",
    },
  ];
}

/** Medians, since the processor may be twice as fast from one second to the next. */
async function costs(
  name: string,
  system: System,
  context: Context,
): Promise<Readings> {
  const seen: Cost[] = [];
  for (let i = 0; i < context.scale.repeats; i++) {
    seen.push(await costOfOne(system, context));
  }
  const middle = (key: keyof Cost) => median(seen.map((cost) => cost[key]));
  return {
    [`scaling.${name}.enqueue`]: middle("enqueue"),
    [`scaling.${name}.enqueue-redis`]: middle("enqueueInRedis"),
    [`scaling.${name}.run-redis`]: middle("runInRedis"),
  };
}

/** Microseconds of one job. */
interface Cost {
  readonly enqueue: number;
  readonly enqueueInRedis: number;
  readonly runInRedis: number;
}

async function costOfOne(system: System, context: Context): Promise<Cost> {
  const { probe } = context;
  const isolation = system.lightest;
  const jobs = JOBS[isolation];
  const before = await readServer(probe);
  const ms = await system.driver.call<number>("one_by_one", { n: jobs });
  const after = await readServer(probe);
  // A drain counts what it finds there.
  await probe.send("DEL", system.finishedKey);
  const options = { isolation, concurrency: 1, jobs };
  const { commandMicros } = await drain(system, context, options);
  return {
    enqueue: ms * 1_000 / jobs,
    enqueueInRedis: microsBetween(before, after) / jobs,
    runInRedis: commandMicros,
  };
}
