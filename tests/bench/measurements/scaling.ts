/** Whether a job costs more where many are waiting. */

import type { Context, Measurement, Readings } from "../context.ts";
import { drain } from "../drain.ts";
import { microsBetween, readServer, slowScripts } from "../server_stats.ts";
import type { Isolation, System } from "../systems.ts";
import { fill } from "./enqueue.ts";

const SHORT = 1_000;
const ENQUEUED = 1_000;
const LONG_MS = 5;

/** Jobs that are run at each length of the queue. */
const RUN: Readonly<Record<Isolation, number>> = {
  process: 200,
  reuse: 1_000,
  inline: 1_000,
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
  ],
  async run(system, context) {
    const { probe, scale } = context;
    const short = await costs("short", SHORT, system, context);
    await probe.send("FLUSHALL");
    await probe.send("SLOWLOG", "RESET");
    const long = await costs("long", scale.depth, system, context);
    // RQ has no scripts in these paths.
    if (system.name === "rq") return { ...short, ...long };
    const slow = await slowScripts(probe);
    return {
      ...short,
      ...long,
      "scaling.longest": Math.max(0, ...slow),
      "scaling.over": slow.filter((ms) => ms > LONG_MS).length,
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

async function costs(
  name: string,
  length: number,
  system: System,
  context: Context,
): Promise<Readings> {
  const { probe } = context;
  await fill(system, length);
  const n = ENQUEUED;
  await system.driver.call("one_by_one", { n: n / 2 });
  const before = await readServer(probe);
  const ms = await system.driver.call<number>("one_by_one", { n });
  const after = await readServer(probe);
  const { commandMicros } = await drain(system, context, {
    isolation: system.lightest,
    concurrency: 1,
    jobs: RUN[system.lightest],
  });
  return {
    [`scaling.${name}.enqueue`]: ms * 1_000 / n,
    [`scaling.${name}.enqueue-redis`]: microsBetween(before, after) / n,
    [`scaling.${name}.run-redis`]: commandMicros,
  };
}
