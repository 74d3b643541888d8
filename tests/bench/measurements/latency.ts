/** How long a producer waits for a result while the worker has nothing else to do. */

import { Child } from "../children.ts";
import type { Context, Measurement, Readings } from "../context.ts";
import type { Isolation, System } from "../systems.ts";

/** Jobs before the ones that count. */
const WARM = 5;

const STOP_MS = 5_000;

/** Latency with each job in a process of its own, and in one with others. */
export const latencies: readonly Measurement[] = [
  latencyOf(
    "latency",
    "enqueue → result, idle worker, a process per job",
    "process",
  ),
  latencyOf(
    "latency-shared",
    "enqueue → result, idle worker, in one process",
    "shared",
  ),
];

function latencyOf(
  name: string,
  title: string,
  isolation: Isolation,
): Measurement {
  return {
    name,
    metrics: [
      { id: `${name}.p50`, title: `${title}, p50`, unit: "ms" },
      { id: `${name}.p95`, title: "· p95", unit: "ms" },
      { id: `${name}.p99`, title: "· p99", unit: "ms" },
    ],
    run: (system, context) => run(name, isolation, system, context),
  };
}

async function run(
  name: string,
  isolation: Isolation,
  system: System,
  context: Context,
): Promise<Readings> {
  const { scale, verbose } = context;
  const [program] = system.workers(isolation, 1);
  if (program === undefined) {
    throw new Error(`Cannot measure ${name}: there is no worker`);
  }
  await using worker = new Child(program, {
    stdin: "null",
    stdout: "null",
    stderr: verbose ? "inherit" : "null",
  });
  const samples = await system.driver.call<number[]>("latency", {
    samples: scale.samples,
    warm: WARM,
    gap: scale.gapMs,
  }, 120_000);
  await worker.stop(STOP_MS);
  const sorted = samples.toSorted((a, b) => a - b);
  return {
    [`${name}.p50`]: quantile(sorted, 0.5),
    [`${name}.p95`]: quantile(sorted, 0.95),
    [`${name}.p99`]: quantile(sorted, 0.99),
  };
}

/** By the nearest rank. */
function quantile(sorted: readonly number[], part: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)];
}
