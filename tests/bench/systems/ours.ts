/**
 * This project's producer: `deno run -A ours.ts PORT DRIVER` takes commands as
 * lines of JSON on stdin and answers each with a line of JSON on stdout; see
 * `driver_process.ts`.
 */

import { connect } from "@db/redis";
import { Redis } from "ioredis";
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { stdin } from "node:process";
import type { RedisClient } from "../../../lib/redis/redis_client.ts";
import { type EnqueueCall, Queue } from "../../../mod.ts";
import { hello } from "./jobs/bench_jobs.ts";
import { enqueueFeature, type FeatureOptions } from "./ours_features.ts";

/** The bare driver: what it can do at most, without this project above it. */
interface BareDriver {
  evalsha(args: readonly string[]): Promise<unknown>;
  pipelined(calls: readonly (readonly string[])[]): Promise<unknown>;
  load(lua: string): Promise<unknown>;
}

/** What a command may say. */
interface Options extends FeatureOptions {
  readonly width: number;
  readonly lua: string;
  readonly fields: readonly string[];
  readonly samples: number;
  readonly warm: number;
  readonly gap: number;
}

const [port = "6379", driver = "@db/redis"] = Deno.args;
const queue = new Queue("bench", {
  connection: `redis://127.0.0.1:${port}`,
  driver: driver === "ioredis" ? "ioredis" : "@db/redis",
});
const bare = driver === "ioredis" ? overIoredis() : await overDbRedis();

const encoder = new TextEncoder();

const operations: Record<string, (options: Options) => unknown> = {
  versions: () => ({ deno: Deno.version.deno, v8: Deno.version.v8 }),
  one_by_one: ({ n }) => timed(() => oneByOne(n)),
  in_flight: ({ n, width }) => timed(() => inFlight(n, width)),
  bulk: ({ n, chunk }) => timed(() => bulk(n, chunk)),
  round_trip: ({ n }) => roundTrips(n),
  seam_round_trip: ({ n }) => seamRoundTrips(n),
  scripts: (options) => scripts(options),
  latency: (options) => latencies(options),
  feature: (options) => timed(() => enqueueFeature(queue, options)),
};

for await (const line of createInterface({ input: stdin })) {
  const { op, ...options } = JSON.parse(line) as Options & { op: string };
  const answer = await run(op, options);
  await Deno.stdout.write(encoder.encode(`${JSON.stringify(answer)}\n`));
}
await queue.close();

async function run(op: string, options: Options): Promise<unknown> {
  const operation = operations[op];
  if (operation === undefined) return { error: `Cannot run ${op}: unknown` };
  try {
    return { value: await operation(options) };
  } catch (error) {
    return { error: String(error) };
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function oneByOne(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await queue.enqueue(hello, "yangyi");
}

async function inFlight(n: number, width: number): Promise<void> {
  let left = n;
  await Promise.all(Array.from({ length: width }, async () => {
    while (left-- > 0) await queue.enqueue(hello, "yangyi");
  }));
}

async function bulk(n: number, chunk: number): Promise<void> {
  for (let left = n; left > 0; left -= chunk) {
    const calls = Array.from(
      { length: Math.min(chunk, left) },
      (): EnqueueCall<typeof hello> => ({ func: hello, args: ["yangyi"] }),
    );
    await queue.enqueueMany(calls as unknown as EnqueueCall[]);
  }
}

async function roundTrips(n: number): Promise<number> {
  const lua = "return 1";
  await bare.load(lua);
  const args = [shaOf(lua), "0"];
  return await timed(async () => {
    for (let i = 0; i < n; i++) await bare.evalsha(args);
  });
}

async function seamRoundTrips(n: number): Promise<number> {
  const lua = "return 1";
  await bare.load(lua);
  const args = [shaOf(lua), 0];
  return await timed(async () => {
    const client = queue.connection as RedisClient;
    for (let i = 0; i < n; i++) await client.send("EVALSHA", args);
  });
}

async function scripts(
  { n, chunk, lua, fields }: Options,
): Promise<number> {
  await bare.load(lua);
  const sha = shaOf(lua);
  return await timed(async () => {
    for (let from = 0; from < n; from += chunk) {
      const size = Math.min(chunk, n - from);
      const calls = Array.from({ length: size }, (_, i) => [
        ...[sha, "3", `limit:${from + i}`, "limit:q", "limit:s"],
        ...fields,
      ]);
      await bare.pipelined(calls);
    }
  });
}

async function latencies(
  { samples, warm, gap }: Options,
): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < warm + samples; i++) {
    await new Promise((resolve) => setTimeout(resolve, gap));
    const ms = await timed(async () => {
      const job = await queue.enqueue(hello, "yangyi");
      await job.wait({ timeout: 10 });
    });
    if (i >= warm) taken.push(ms);
  }
  return taken;
}

function shaOf(lua: string): string {
  return createHash("sha1").update(lua).digest("hex");
}

async function overDbRedis(): Promise<BareDriver> {
  const redis = await connect({
    hostname: "127.0.0.1",
    port: Number(port),
    noDelay: true,
  });
  const pipeline = redis.pipeline();
  return {
    evalsha: (args) => redis.sendCommand("EVALSHA", [...args]),
    pipelined: (calls) => {
      for (const args of calls) pipeline.sendCommand("EVALSHA", [...args]);
      return pipeline.flush();
    },
    load: (lua) => redis.sendCommand("SCRIPT", ["LOAD", lua]),
  };
}

function overIoredis(): BareDriver {
  const redis = new Redis(Number(port), "127.0.0.1");
  return {
    evalsha: (args) => redis.call("EVALSHA", ...args),
    pipelined: (calls) => {
      const pipeline = redis.pipeline();
      for (const args of calls) pipeline.call("EVALSHA", ...args);
      return pipeline.exec();
    },
    load: (lua) => redis.call("SCRIPT", "LOAD", lua),
  };
}
