/** What this project wants to reach, as ratios within one run. */

import type { Results } from "./results.ts";
import type { SystemName } from "./systems.ts";

/** One goal. */
export interface Goal {
  readonly title: string;
  /** Ours first, what it is compared with second. */
  readonly of: readonly [string, string, SystemName];
  /** At least or at most; `of` is a plain value where the second is "". */
  readonly way: "≥" | "≤";
  readonly target: number;
  readonly unit: "×" | "%" | "ms" | "s" | "B";
}

/** A goal and how it came out; `met` is absent where it was not measured. */
export interface Outcome extends Goal {
  readonly value?: number;
  readonly met?: boolean;
}

/** All of them. */
export const GOALS: readonly Goal[] = [
  atLeast(
    "enqueue, one by one / BullMQ",
    1.5,
    "enqueue.one",
    "enqueue.one",
    "bullmq",
  ),
  atLeast("enqueue, one by one / RQ", 2.5, "enqueue.one", "enqueue.one", "rq"),
  percent(
    "enqueue, one by one / the driver's bare round trip",
    75,
    "enqueue.one",
    "limit.trip",
  ),
  atLeast(
    "enqueue, bulk / BullMQ",
    2.5,
    "enqueue.bulk",
    "enqueue.bulk",
    "bullmq",
  ),
  atLeast("enqueue, bulk / RQ", 5, "enqueue.bulk", "enqueue.bulk", "rq"),
  percent(
    "enqueue, bulk / what Redis can do",
    70,
    "enqueue.bulk",
    "limit.server",
  ),
  atLeast(
    "a process per job, one at a time / RQ's fork",
    1.2,
    "process.rate",
    "process.rate",
    "rq",
  ),
  percent(
    "a process per job, as many as cores / deno run of an empty file",
    85,
    "process-cores.rate",
    "starts.rate",
  ),
  atLeast(
    "processes used again / BullMQ's sandbox",
    2,
    "reuse.rate",
    "reuse.rate",
    "bullmq",
  ),
  atLeast(
    "processes used again / RQ's SimpleWorker",
    10,
    "reuse.rate",
    "reuse.rate",
    "rq",
  ),
  atLeast(
    "side by side in one process, 100 at a time / BullMQ in its own",
    1.5,
    "shared-100.rate",
    "shared-100.rate",
    "bullmq",
  ),
  atMost(
    "latency, a process per job, p50 / RQ",
    0.3,
    "latency.p50",
    "latency.p50",
    "rq",
  ),
  atMost(
    "latency, a process per job, p50 / BullMQ in its process",
    1,
    "latency.p50",
    "latency-shared.p50",
    "bullmq",
  ),
  atMost(
    "Redis, per queued job / RQ",
    0.6,
    "memory.queued",
    "memory.queued",
    "rq",
  ),
  atMost(
    "Redis, per finished job / RQ",
    0.25,
    "memory.finished",
    "memory.finished",
    "rq",
  ),
  atMost(
    "enqueue, long queue / short one",
    1.1,
    "scaling.long.enqueue-redis",
    "scaling.short.enqueue-redis",
    "ours",
  ),
  atMost(
    "claim and finish, long queue / short one",
    1.1,
    "scaling.long.run-redis",
    "scaling.short.run-redis",
    "ours",
  ),
  {
    title: "longest script with the long queue",
    of: ["scaling.longest", "", "ours"],
    way: "≤",
    target: 5,
    unit: "ms",
  },
  ...["retries", "delayed", "unique", "limits", "children", "groups"]
    .flatMap((name) =>
      (["rq", "bullmq"] as const).map((other) => {
        const metric = `features.${name}.run`;
        return atLeast(`run, ${name} / ${other}`, 1, metric, metric, other);
      })
    ),
  {
    title: "100,000 jobs due at once, until all are queued",
    of: ["features.due.seconds", "", "ours"],
    way: "≤",
    target: 15,
    unit: "s",
  },
  {
    title: "Redis, per delayed job",
    of: ["features.delayed.memory", "", "ours"],
    way: "≤",
    target: 500,
    unit: "B",
  },
];

/** How those goals came out that are about these metrics. */
export function outcomes(
  results: Results,
  metrics: readonly { readonly id: string }[],
): Outcome[] {
  const measured = new Set(metrics.map(({ id }) => id));
  return GOALS.filter(({ of: [metric] }) => measured.has(metric)).map(
    (goal) => {
      const value = valueOf(goal, results);
      if (value === undefined) return goal;
      const met = goal.way === "≥"
        ? value >= goal.target
        : value <= goal.target;
      return { ...goal, value, met };
    },
  );
}

function valueOf(goal: Goal, results: Results): number | undefined {
  const [metric, otherMetric, other] = goal.of;
  if (otherMetric === "") return results.median(metric);
  const ratio = results.ratio([metric, "ours"], [otherMetric, other]);
  return goal.unit === "%" && ratio !== undefined ? ratio * 100 : ratio;
}

function atLeast(
  title: string,
  target: number,
  ...of: [string, string, SystemName]
): Goal {
  return { title, of, way: "≥", target, unit: "×" };
}

function atMost(
  title: string,
  target: number,
  ...of: [string, string, SystemName]
): Goal {
  return { title, of, way: "≤", target, unit: "×" };
}

function percent(
  title: string,
  target: number,
  metric: string,
  limit: string,
): Goal {
  return { title, of: [metric, limit, "ours"], way: "≥", target, unit: "%" };
}
