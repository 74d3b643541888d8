/** What a job takes in Redis, waiting and finished. */

import type { Context, Measurement } from "../context.ts";
import { drain } from "../drain.ts";
import type { Probe } from "../probe.ts";
import { readServer } from "../server_stats.ts";
import type { System } from "../systems.ts";
import { fill } from "./enqueue.ts";

/** Bytes per job, by the sum of `MEMORY USAGE` over all keys. */
export const memory: Measurement = {
  name: "memory",
  once: true,
  metrics: [
    { id: "memory.queued", title: "Redis, per queued job", unit: "B" },
    {
      id: "memory.queued.used",
      title: "· by used_memory",
      unit: "B",
    },
    { id: "memory.finished", title: "Redis, per finished job", unit: "B" },
  ],
  async run(system, context) {
    const { probe, scale: { memoryJobs: jobs } } = context;
    await fill(system, 1);
    const before = await readServer(probe);
    const first = await bytesOfKeys(probe);
    await fill(system, jobs);
    const after = await readServer(probe);
    const queued = await bytesOfKeys(probe);
    await probe.send("FLUSHALL");
    return {
      "memory.queued": (queued - first) / jobs,
      "memory.queued.used": (after.usedBytes - before.usedBytes) / jobs,
      "memory.finished": await finishedBytes(system, context),
    };
  },
};

/** All that is left, the few keys of the worker included, by the jobs. */
async function finishedBytes(
  system: System,
  context: Context,
): Promise<number> {
  const { probe, scale } = context;
  // Where every job takes a process, a third is enough.
  const jobs = system.lightest === "process"
    ? Math.ceil(scale.memoryJobs / 3)
    : scale.memoryJobs;
  await fill(system, jobs);
  await drain(system, context, {
    isolation: system.lightest,
    concurrency: 1,
    jobs,
  });
  return await bytesOfKeys(probe) / jobs;
}

async function bytesOfKeys(probe: Probe): Promise<number> {
  let sum = 0;
  let cursor = "0";
  do {
    const reply = await probe.send("SCAN", cursor, "COUNT", 1_000);
    const [next, keys] = Array.isArray(reply) ? reply : [];
    for (const key of Array.isArray(keys) ? keys : []) {
      sum += await probe.number("MEMORY", "USAGE", String(key), "SAMPLES", 0);
    }
    cursor = String(next);
  } while (cursor !== "0");
  return sum;
}
