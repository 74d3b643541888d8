/**
 * BullMQ's producer: `node bullmq.mjs PORT` takes commands as lines of JSON on
 * stdin and answers each with a line of JSON on stdout; see `driver_process.ts`.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const home = process.env.BULLMQ_HOME;
const require = createRequire(`${home}/package.json`);
const { FlowProducer, Queue, QueueEvents } = require("bullmq");
const { Redis } = require("ioredis");

const connection = { host: "127.0.0.1", port: Number(process.argv[2]) };
const queue = new Queue("bench", { connection });
await queue.waitUntilReady();
const flows = new FlowProducer({ connection });
const redis = new Redis(connection);

const enqueue = () => queue.add("hello", { name: "yangyi" });

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function oneByOne(n) {
  for (let i = 0; i < n; i++) await enqueue();
}

async function inFlight(n, width) {
  let left = n;
  await Promise.all(Array.from({ length: width }, async () => {
    while (left-- > 0) await enqueue();
  }));
}

async function bulk(n, chunk) {
  for (let left = n; left > 0; left -= chunk) {
    await queue.addBulk(
      Array.from({ length: Math.min(chunk, left) }, () => ({
        name: "hello",
        data: { name: "yangyi" },
      })),
    );
  }
}

async function roundTrips(n) {
  const lua = "return 1";
  const sha = createHash("sha1").update(lua).digest("hex");
  await redis.eval(lua, 0);
  return timed(async () => {
    for (let i = 0; i < n; i++) await redis.evalsha(sha, 0);
  });
}

async function scripts(n, chunk, lua, fields) {
  const sha = await redis.script("LOAD", lua);
  return timed(async () => {
    for (let from = 0; from < n; from += chunk) {
      const pipeline = redis.pipeline();
      for (let i = from; i < Math.min(n, from + chunk); i++) {
        pipeline.evalsha(sha, 3, `limit:${i}`, "limit:q", "limit:s", ...fields);
      }
      await pipeline.exec();
    }
  });
}

async function latencies(samples, warm, gap) {
  const events = new QueueEvents("bench", { connection });
  await events.waitUntilReady();
  const taken = [];
  try {
    for (let i = 0; i < warm + samples; i++) {
      await sleep(gap);
      const ms = await timed(async () => {
        const job = await enqueue();
        await job.waitUntilFinished(events, 10_000);
      });
      if (i >= warm) taken.push(ms);
    }
  } finally {
    await events.close();
  }
  return taken;
}

/** The options of a job with each feature, or the job itself. */
const FEATURES = {
  retries: () => ["failsOnce", { attempts: 2 }],
  delayed: (_, delay) => ["hello", { delay: delay * 1_000 }],
  unique: (i) => ["hello", { deduplication: { id: `key-${i}` } }],
  limits: () => ["hello", {}],
};

async function enqueueFeature({ feature, n, chunk, delay }) {
  if (feature === "children") return await enqueueChildren(n, chunk);
  if (feature === "groups") return await enqueueGroups(n);
  // It limits how many jobs of a queue run at a time, not of a key.
  if (feature === "limits") await queue.setGlobalConcurrency(100);
  for (let from = 0; from < n; from += chunk) {
    const size = Math.min(chunk, n - from);
    await queue.addBulk(
      Array.from({ length: size }, (_, i) => {
        const [name, opts] = FEATURES[feature](from + i, delay);
        return { name, data: { name: "yangyi" }, opts };
      }),
    );
  }
}

/** A parent waits for its child. */
async function enqueueChildren(n, chunk) {
  const job = { name: "hello", queueName: "bench", data: { name: "yangyi" } };
  const flow = { ...job, children: [job] };
  for (let left = n; left > 0; left -= chunk) {
    const size = Math.ceil(Math.min(chunk, left) / 2);
    await flows.addBulk(Array(size).fill(flow));
  }
}

/** What it has for a group is a parent with 99 children. */
async function enqueueGroups(n) {
  const job = { name: "hello", queueName: "bench", data: { name: "yangyi" } };
  for (let left = n; left > 0; left -= 100) {
    const children = Array(Math.min(100, left) - 1).fill(job);
    await flows.add({ ...job, children });
  }
}

const versionOf = (name) =>
  JSON.parse(readFileSync(`${home}/node_modules/${name}/package.json`, "utf8"))
    .version;

const operations = {
  versions: () => ({
    node: process.versions.node,
    bullmq: versionOf("bullmq"),
    ioredis: versionOf("ioredis"),
  }),
  one_by_one: ({ n }) => timed(() => oneByOne(n)),
  in_flight: ({ n, width }) => timed(() => inFlight(n, width)),
  bulk: ({ n, chunk }) => timed(() => bulk(n, chunk)),
  round_trip: ({ n }) => roundTrips(n),
  scripts: ({ n, chunk, lua, fields }) => scripts(n, chunk, lua, fields),
  feature: (options) => timed(() => enqueueFeature(options)),
  latency: ({ samples, warm, gap }) => latencies(samples, warm, gap),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { op, ...options } = JSON.parse(line);
  const answer = await Promise.resolve()
    .then(() => operations[op](options))
    .then((value) => ({ value }), (error) => ({ error: String(error) }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await flows.close();
await queue.close();
redis.disconnect();
