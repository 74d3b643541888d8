/**
 * The states that a job can be in, for the table of all transitions: how each comes about, and how it is told from what
 * Redis holds.
 *
 * A state is a status in the job's hash together with the one place that holds the job's id. Every list and sorted
 * set of Redis is a place, whatever its name, so that a job in two of them is seen, and one in none as well.
 */

import { encodeData } from "../../lib/job/codec.ts";
import { JobRecord } from "../../lib/job/record.ts";
import type { JobStatus } from "../../lib/job/status.ts";
import type { RedisClient } from "../../lib/redis/redis_client.ts";
import { JobStore } from "../../lib/store/job_store.ts";
import { texts } from "../../lib/store/replies.ts";
import { ScheduleStore } from "../../lib/store/schedule_store.ts";
import { SweepStore } from "../../lib/store/sweep_store.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import type {
  Execution,
  WorkerIdentity,
} from "../../lib/store/worker_types.ts";
import type { Bench } from "./support.ts";

/** The job that is looked at. */
export const JOB = "the-job";
/** The job that it waits for, if it does: on another queue, so that nobody claims it by accident. */
export const PARENT = "parent";
/** The queues of the two. */
export const QUEUE = "q";
export const PARENTS_QUEUE = "parents";

/** What a worker of RQ's writes besides. */
const RQ_EXECUTION = "0123456789abcdef0123456789abcdef";
const RQ_EXECUTIONS = `rq:executions:${JOB}`;

const CREATED_AT = "2026-01-02T03:04:05.000006Z";

/** What a transition is tried on. */
export interface Scene {
  /** For what happens before and after. */
  readonly bench: Bench;
  /** The stores that the transition itself goes through: they may send everything twice. */
  readonly jobs: JobStore;
  readonly workers: WorkerStore;
  readonly sweeps: SweepStore;
  readonly schedules: ScheduleStore;
  /** The only worker of the queue. */
  readonly worker: WorkerIdentity;
}

/** An empty Redis, but for a worker. `client` is what the transition's calls go through. */
export async function setScene(
  bench: Bench,
  client: RedisClient = bench.client,
): Promise<Scene> {
  await bench.send("FLUSHALL");
  return {
    bench,
    jobs: new JobStore(client, bench.keys),
    workers: new WorkerStore(client, bench.keys),
    sweeps: new SweepStore(client, bench.keys),
    schedules: new ScheduleStore(client, bench.keys),
    worker: await bench.worker("w1", [QUEUE]),
  };
}

/** A state, and how a job gets into it. */
export interface JobStateSpec {
  /** What the hash says; `null` where there is no hash. */
  readonly status: string | null;
  /** The key that holds the id, without prefix and queue; `null` for none. */
  readonly place: string | null;
  /** Makes the job; gives its execution, or its last one, where it has any. */
  make(scene: Scene): Promise<Execution | void>;
}

/**
 * The states by the names that the table has for them: the statuses that are written here; `popped`, a queued job that
 * a worker has taken off the queue and not yet claimed; `rq-started`, run by a worker of RQ's; `limited`, held back by its
 * rate limit, or waiting for the turn of its fair key;
 * the statuses that only RQ 3.0 writes; and `gone`.
 */
export type JobState =
  | Exclude<JobStatus, "rate_limited">
  | "popped"
  | "rq-started"
  | "created"
  | "ready"
  | "limited"
  | "gone";

/** Each of them. */
export const STATES: Readonly<Record<JobState, JobStateSpec>> = {
  queued: { status: "queued", place: "queue", make: add },
  popped: {
    status: "queued",
    place: "popped",
    async make(scene) {
      await add(scene);
      const list = scene.bench.keys.queue(QUEUE);
      const intermediate = scene.bench.keys.intermediate(QUEUE);
      await scene.bench.send("LMOVE", list, intermediate, "LEFT", "LEFT");
    },
  },
  started: { status: "started", place: "wip", make: start },
  "rq-started": {
    status: "started",
    place: "rq-wip",
    async make(scene) {
      await addAsPython(scene, "started", {
        worker_name: "python",
        enqueued_at: CREATED_AT,
      });
      const { bench } = scene;
      const now = Math.floor(Date.now() / 1_000);
      const wip = bench.keys.registry("wip", QUEUE);
      await bench.send("ZADD", wip, now + 90, `${JOB}:${RQ_EXECUTION}`);
      const hash = `rq:execution:${JOB}:${RQ_EXECUTION}`;
      const fields = {
        id: RQ_EXECUTION,
        job_id: JOB,
        worker_name: "python",
        created_at: now,
        last_heartbeat: now,
      };
      await bench.send("HSET", hash, ...Object.entries(fields).flat());
      await bench.send("EXPIRE", hash, 90);
      await bench.send("ZADD", RQ_EXECUTIONS, now + 150, RQ_EXECUTION);
      await bench.send("EXPIRE", RQ_EXECUTIONS, 150);
    },
  },
  finished: {
    status: "finished",
    place: "finished",
    make: (scene) => startAndEnd(scene, "finished"),
  },
  failed: {
    status: "failed",
    place: "failed",
    make: (scene) => startAndEnd(scene, "failed"),
  },
  stopped: {
    status: "stopped",
    place: "failed",
    make: (scene) => startAndEnd(scene, "stopped"),
  },
  deferred: {
    status: "deferred",
    place: "deferred",
    async make({ bench }) {
      await bench.add(PARENT, { queue: PARENTS_QUEUE });
      const fields = { created_at: CREATED_AT };
      await bench.add(JOB, { queue: QUEUE, dependsOn: [PARENT], fields });
    },
  },
  scheduled: {
    status: "scheduled",
    place: "scheduled",
    async make(scene) {
      await add(scene);
      const key = scene.bench.keys.job(JOB);
      const retry = ["retries_left", 1, "retry_intervals", "[600]"];
      await scene.bench.send("HSET", key, ...retry);
      return await claimAndEnd(scene, "failed");
    },
  },
  canceled: {
    status: "canceled",
    place: "canceled",
    async make(scene) {
      const execution = await start(scene);
      await scene.bench.jobs.cancel(JOB);
      return execution;
    },
  },
  created: {
    status: "created",
    place: null,
    make: (scene) => addAsPython(scene, "created"),
  },
  ready: {
    status: "ready_to_enqueue",
    place: "ready",
    async make(scene) {
      await addAsPython(scene, "ready_to_enqueue");
      await scene.bench.send("ZADD", `rq:ready:${QUEUE}`, 1_700_000_000, JOB);
    },
  },
  limited: {
    status: "rate_limited",
    place: "limited",
    async make(scene) {
      const { bench } = scene;
      await addAsPython(scene, "rate_limited", {
        rate_limit_key: "key",
        rate_limit_concurrency: "1",
      });
      await bench.send("SADD", "rq:rl-keys", "key");
      await bench.send("HSET", "rq:rl:key", "concurrency", 1);
      await bench.send("ZADD", "rq:rl:key:rate_limited", 1_700_000_000, JOB);
    },
  },
  gone: {
    status: null,
    place: null,
    async make(scene) {
      const execution = await start(scene);
      await scene.bench.jobs.delete(JOB);
      return execution;
    },
  },
};

/** An execution that lost the job long ago. */
export function lostExecution(): Execution {
  const job = new JobRecord(JOB, new Map());
  return { id: "1000000000000001", queue: QUEUE, job };
}

async function add({ bench }: Scene): Promise<void> {
  const fields = { created_at: CREATED_AT };
  await bench.add(JOB, { queue: QUEUE, fields });
}

async function start(scene: Scene): Promise<Execution> {
  await add(scene);
  return await claim(scene);
}

/** Claims the job, and writes the records of its execution with a heartbeat. */
async function claim({ bench, worker }: Scene): Promise<Execution> {
  const execution = await bench.claim(worker);
  await bench.workers.heartbeat(worker, 480, [execution]);
  return execution;
}

async function startAndEnd(
  scene: Scene,
  outcome: "finished" | "failed" | "stopped",
): Promise<Execution> {
  await add(scene);
  return await claimAndEnd(scene, outcome);
}

async function claimAndEnd(
  scene: Scene,
  outcome: "finished" | "failed" | "stopped",
): Promise<Execution> {
  const execution = await claim(scene);
  await scene.bench.end(scene.worker, execution, { outcome });
  return execution;
}

/** Writes the hash as Python does, which writes what is unset as empty text. */
async function addAsPython(
  { bench }: Scene,
  status: string,
  fields: Readonly<Record<string, string>> = {},
): Promise<void> {
  const hash = {
    created_at: CREATED_AT,
    data: encodeData("jobs.f", "[1]", "{}"),
    success_callback_name: "",
    failure_callback_name: "",
    stopped_callback_name: "",
    started_at: "",
    ended_at: "",
    last_heartbeat: "",
    worker_name: "",
    group_id: "",
    origin: QUEUE,
    description: "jobs.f(1)",
    timeout: 180,
    ...fields,
    status,
  };
  await bench.send("HSET", bench.keys.job(JOB), ...Object.entries(hash).flat());
}

/**
 * The state that the job is in, by its name. Whatever else holds the id comes behind that: `canceled+ready`. Where the
 * place of the status does not hold it, all places come behind the status: `queued@none`, `started@finished`.
 */
export async function stateOf(bench: Bench): Promise<string> {
  const [status, places] = await Promise.all([
    bench.status(JOB),
    placesOf(bench),
  ]);
  for (const [name, state] of Object.entries(STATES)) {
    const others = [...places];
    const at = state.place === null ? 0 : others.indexOf(state.place);
    if (state.place !== null) others.splice(at, 1);
    if (state.status === status && at >= 0) return [name, ...others].join("+");
  }
  return `${status}@${places.join("+") || "none"}`;
}

/** Looks into every list and sorted set that there is, and at unique keys. */
const FIND_LUA = `
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind = redis.call('TYPE', key).ok
  local members = kind == 'list' and redis.call('LRANGE', key, 0, -1) or kind == 'zset' and redis.call('ZRANGE', key, 0, -1) or {}
  if kind == 'string' and string.find(redis.call('GET', key), ' ' .. ARGV[1] .. ' ', 1, true) then members = {ARGV[1]} end
  for _, member in ipairs(members) do
    if string.match(member, '^[^:]*') == ARGV[1] then
      found[#found + 1] = key
      found[#found + 1] = member
    end
  end
end
return found
`;

/** Each occurrence of the job's id in a list or a sorted set. */
async function placesOf(bench: Bench): Promise<string[]> {
  const [reply, execution] = await Promise.all([
    bench.send("EVAL", FIND_LUA, 0, JOB),
    bench.field(JOB, "x_execution"),
  ]);
  const found = texts(reply);
  const places: string[] = [];
  for (let i = 0; i + 1 < found.length; i += 2) {
    const isStart = found[i]!.endsWith(":x_starts") && found[i + 1] !== JOB;
    if (isStart) continue; // that is history, and no place
    places.push(placeOf(found[i]!, found[i + 1]!, execution));
  }
  return places.sort();
}

/** What holds this member. A lease counts as `wip` only where it is that of the execution which the hash names. */
function placeOf(
  key: string,
  member: string,
  execution: string | null,
): string {
  if (member === JOB || member === `${JOB}:${execution}`) return placeName(key);
  const isOfRq = member === `${JOB}:${RQ_EXECUTION}` && execution === null;
  return isOfRq ? "rq-wip" : "wip?";
}

/** `rq:queue:q` → `queue`, `rq:wip:q` → `wip`; the intermediate list, the keys of a rate limit and the unique key by names of the table's. */
function placeName(key: string): string {
  return key.replace(/^rq:/, "")
    .replace(`queue:${QUEUE}:intermediate`, "popped")
    .replace("rl:key:rate_limited", "limited")
    .replace("rl:key:allowed", "slot")
    .replace(`x_unique:1:${QUEUE}:key`, "key")
    .replace("rl:key:x_starts", "held")
    .replace(/^rl:x_fair:.*:rate_limited$/, "limited")
    .replace(/^rl:x_fair:.*:allowed$/, "turn")
    .replace(new RegExp(`:${QUEUE}$`), "");
}

/** What is recorded of executions of the job. */
export async function executionRecords(bench: Bench): Promise<string[]> {
  const dump = Object.entries(await bench.dump());
  return dump.filter(([key, value]) =>
    key.startsWith("rq:execution") && key.includes(JOB) ||
    key.endsWith(":executions") && value.includes(JOB)
  ).map(([key]) => key);
}

/**
 * Whatever still speaks of a job that is gone and does not go by itself, but for what its worker remembers of its last
 * calls in case they are sent again.
 */
export async function leftovers(
  { bench, worker }: Pick<Scene, "bench" | "worker">,
): Promise<string[]> {
  const { [bench.keys.worker(worker.name)]: _, ...dump } = await bench.dump();
  return Object.entries(dump).map(([key, value]) => `${key}: ${value}`)
    .filter((line) => line.includes(JOB) && !line.includes(" expires in "));
}
