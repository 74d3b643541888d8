/** How fast producers put jobs on a queue, and what the driver and the server could do at most. */

import { BULK_CHUNK, type Context, type Measurement } from "../context.ts";
import { encodeCommand } from "../probe.ts";
import { commandsBetween, microsBetween, readServer } from "../server_stats.ts";
import { NotApplicable, type System } from "../systems.ts";

/** What Redis does at least for a job: a hash of ten fields, a list, a set. */
const LIMIT_LUA = `
redis.call("HSET", KEYS[1], unpack(ARGV))
redis.call("RPUSH", KEYS[2], KEYS[1])
redis.call("SADD", KEYS[3], KEYS[2])
return 1`;

const LIMIT_FIELDS: readonly string[] = [
  ...["created_at", "2026-01-01T00:00:00.000000Z"],
  ...["enqueued_at", "2026-01-01T00:00:00.000000Z"],
  ...["data", '["bench_jobs.hello", null, ["yangyi"], {}]'],
  ...["description", "bench_jobs.hello('yangyi')", "timeout", "180"],
  ...["origin", "bench", "status", "queued", "worker_name", ""],
  ...["started_at", "", "ended_at", ""],
];

/** One enqueue after the other, each awaited. */
export const one: Measurement = {
  name: "enqueue-one",
  metrics: [
    { id: "enqueue.one", title: "enqueue, one by one, awaited", unit: "/s" },
    {
      id: "enqueue.one.commands",
      title: "· commands in Redis per job",
      unit: "",
    },
    { id: "enqueue.one.redis", title: "· time in Redis per job", unit: "µs" },
  ],
  async run(system, context) {
    const n = context.sizer.size(`one ${system.name}`, 2_000);
    await system.driver.call("one_by_one", { n: Math.ceil(n / 4) });
    const before = await readServer(context.probe);
    const ms = await system.driver.call<number>("one_by_one", { n });
    const after = await readServer(context.probe);
    return {
      "enqueue.one": rate(context, `one ${system.name}`, n, ms),
      "enqueue.one.commands": commandsBetween(before, after) / n,
      "enqueue.one.redis": microsBetween(before, after) / n,
    };
  },
};

/** A hundred enqueues in flight. */
export const inFlight: Measurement = {
  name: "enqueue-flight",
  metrics: [
    { id: "enqueue.flight", title: "enqueue, 100 in flight", unit: "/s" },
  ],
  async run(system, context) {
    if (system.name === "rq") {
      throw new NotApplicable("one call in flight: its client is synchronous");
    }
    const options = { width: 100 };
    return {
      "enqueue.flight": await rateOf(system, context, "in_flight", options),
    };
  },
};

/** Bulk, by each system's own call for it. */
export const bulk: Measurement = {
  name: "enqueue-bulk",
  metrics: [
    { id: "enqueue.bulk", title: "enqueue, bulk", unit: "/s" },
  ],
  async run(system, context) {
    const options = { chunk: BULK_CHUNK };
    return {
      "enqueue.bulk": await rateOf(system, context, "bulk", options, 10_000),
    };
  },
};

/** What the drivers could do at most. */
export const limits: Measurement = {
  name: "limits",
  metrics: [
    {
      id: "limit.trip",
      title: "limit: driver's bare EVALSHA, awaited",
      unit: "/s",
    },
    {
      id: "limit.seam",
      title: "limit: the same through this project's client",
      unit: "/s",
    },
    {
      id: "limit.driver",
      title: "limit: driver, one script per job, pipelined",
      unit: "/s",
    },
    {
      id: "limit.server",
      title: "limit: Redis, the same, written beforehand",
      unit: "/s",
    },
  ],
  async run(system, context) {
    const bulkOptions = {
      chunk: BULK_CHUNK,
      lua: LIMIT_LUA,
      fields: LIMIT_FIELDS,
    };
    const ours = system.name === "ours";
    return {
      "limit.trip": await rateOf(system, context, "round_trip", {}),
      "limit.seam": ours
        ? await rateOf(system, context, "seam_round_trip", {})
        : undefined,
      "limit.driver": await rateOf(
        ...[system, context, "scripts", bulkOptions, 10_000] as const,
      ),
      "limit.server": ours ? await serverLimit(context) : undefined,
    };
  },
};

/** Runs an operation of the producer, after a shorter one that is not counted. */
async function rateOf(
  system: System,
  context: Context,
  op: string,
  options: Readonly<Record<string, unknown>>,
  first = 2_000,
): Promise<number> {
  const key = `${op} ${system.name}`;
  const n = context.sizer.size(key, first);
  await system.driver.call(op, { ...options, n: Math.ceil(n / 4) });
  const ms = await system.driver.call<number>(op, { ...options, n });
  return rate(context, key, n, ms);
}

function rate(
  { sizer }: Context,
  key: string,
  n: number,
  ms: number,
): number {
  const perSecond = n * 1_000 / ms;
  sizer.saw(key, perSecond);
  return perSecond;
}

/** One such script per job, from bytes that were written before the clock starts. */
async function serverLimit(context: Context): Promise<number> {
  const { probe, sizer } = context;
  const sha = String(await probe.send("SCRIPT", "LOAD", LIMIT_LUA));
  const n = sizer.size("server limit", 10_000);
  const bytes = joined(Array.from({ length: n }, (_, i) =>
    encodeCommand([
      ...["EVALSHA", sha, 3, `limit:server:${i}`, "limit:q", "limit:s"],
      ...LIMIT_FIELDS,
    ])));
  const start = performance.now();
  await probe.pipeline(bytes, n);
  return rate(context, "server limit", n, performance.now() - start);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Puts jobs on the queue, in bulk, for what is measured next. */
export async function fill(system: System, jobs: number): Promise<void> {
  await system.driver.call("bulk", { n: jobs, chunk: BULK_CHUNK }, 600_000);
}
