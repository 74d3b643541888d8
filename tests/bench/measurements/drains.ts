/** How fast workers run jobs, and what a job costs them. */

import type { Context, Measurement, Metric, Readings } from "../context.ts";
import { drain } from "../drain.ts";
import { type Isolation, NotApplicable, type System } from "../systems.ts";
import { fill } from "./enqueue.ts";

/** One way of running jobs. */
interface Way {
  readonly name: string;
  readonly title: string;
  readonly isolation: Isolation;
  /** Jobs at once; the number of cores where there is none. */
  readonly concurrency?: number;
  /** Whether the costs are shown too. */
  readonly costs: boolean;
}

const WAYS: readonly Way[] = [
  {
    name: "process",
    title: "run, a process per job, one at a time",
    isolation: "process",
    concurrency: 1,
    costs: true,
  },
  {
    name: "process-cores",
    title: "run, a process per job, as many as cores",
    isolation: "process",
    costs: false,
  },
  {
    name: "reuse",
    title: "run, processes used again, one at a time",
    isolation: "reuse",
    concurrency: 1,
    costs: true,
  },
  {
    name: "shared",
    title: "run, side by side in one process, one at a time",
    isolation: "shared",
    concurrency: 1,
    costs: true,
  },
  {
    name: "shared-100",
    title: "run, side by side in one process, 100 at a time",
    isolation: "shared",
    concurrency: 100,
    costs: true,
  },
];

/** Jobs of a first round, before the rate is known. */
const FIRST_JOBS: Readonly<Record<Isolation, number>> = {
  process: 60,
  reuse: 300,
  shared: 1_000,
};

/** A process for each job. */
export const processDrains: readonly Measurement[] = measurementsOf(
  ({ isolation }) => isolation === "process",
);

/** Many jobs in one process. */
export const sharedDrains: readonly Measurement[] = measurementsOf(
  ({ isolation }) => isolation !== "process",
);

function measurementsOf(chosen: (way: Way) => boolean): Measurement[] {
  return WAYS.filter(chosen).map((way) => ({
    name: way.name,
    metrics: metricsOf(way),
    run: (system, context) => runWay(way, system, context),
  }));
}

async function runWay(
  { name, isolation, concurrency }: Way,
  system: System,
  context: Context,
): Promise<Readings> {
  const atOnce = concurrency ?? context.cores;
  system.workers(isolation, atOnce); // throws before anything is queued
  const key = `${name} ${system.name}`;
  const first = FIRST_JOBS[isolation] * Math.min(atOnce, 8);
  const jobs = context.sizer.size(key, first, 60_000);
  await fill(system, jobs);
  const seen = await drain(system, context, {
    isolation,
    concurrency: atOnce,
    jobs,
  });
  context.sizer.saw(key, seen.perSecond);
  return {
    [`${name}.rate`]: seen.perSecond,
    [`${name}.start`]: seen.startMs,
    [`${name}.worker-cpu`]: seen.workerMicros,
    [`${name}.redis-cpu`]: seen.serverMicros,
    [`${name}.commands`]: seen.commands,
    [`${name}.worker-memory`]: seen.workerBytes,
    [`${name}.child-memory`]: seen.childBytes,
  };
}

function metricsOf({ name, title, costs: shown }: Way): Metric[] {
  return [
    { id: `${name}.rate`, title, unit: "/s" },
    {
      id: `${name}.start`,
      title: "· start to first job finished",
      unit: "ms",
      shown,
    },
    {
      id: `${name}.worker-cpu`,
      title: "· CPU of the worker per job",
      unit: "µs",
      shown,
    },
    {
      id: `${name}.redis-cpu`,
      title: "· CPU of Redis per job",
      unit: "µs",
      shown,
    },
    {
      id: `${name}.commands`,
      title: "· commands in Redis per job",
      unit: "",
      shown,
    },
    {
      id: `${name}.worker-memory`,
      title: "· memory of a worker",
      unit: "B",
      shown,
    },
    {
      id: `${name}.child-memory`,
      title: "· memory of a child",
      unit: "B",
      shown,
    },
  ];
}

/** How many programs the machine can start at all: `deno run` of an empty file. */
export const starts: Measurement = {
  name: "starts",
  metrics: [
    {
      id: "starts.rate",
      title: "limit: deno run of an empty file, as many as cores",
      unit: "/s",
    },
  ],
  async run(system, context) {
    if (system.name !== "ours") throw new NotApplicable("a limit of Deno");
    return { "starts.rate": await startRate(context) };
  },
};

async function startRate({ cores, scale }: Context): Promise<number> {
  const directory = await Deno.makeTempDir({ prefix: "rq-bench-" });
  try {
    await Deno.writeTextFile(`${directory}/empty.ts`, "");
    await startEmpty(directory); // fills the cache
    const start = performance.now();
    const deadline = start + scale.seconds * 1_000;
    let ended = 0;
    await Promise.all(Array.from({ length: cores }, async () => {
      while (performance.now() < deadline) {
        await startEmpty(directory);
        ended++;
      }
    }));
    return ended * 1_000 / (performance.now() - start);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function startEmpty(directory: string): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-lock", "--no-config", "empty.ts"],
    cwd: directory,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn().status;
  if (!success) throw new Error("Cannot start deno: it failed");
}
