/** The circumstances of the transitions of the table. Each asks for what there is, since it is tried in every state. */

import { FAIR_CONCURRENCY, fairLimit } from "../../lib/job/fair_key.ts";
import type { JobField } from "../../lib/job/fields.ts";
import type { RedisArg } from "../../lib/redis/redis_client.ts";
import { put, storeOf } from "./schedule_scenes.ts";
import { JOB, PARENT, PARENTS_QUEUE, QUEUE, type Scene } from "./job_states.ts";

/** Writes fields of the job, if there is one. */
export function setFields(
  { bench }: Pick<Scene, "bench">,
  fields: Readonly<Partial<Record<JobField, RedisArg>>>,
): Promise<unknown> {
  const entries = Object.entries(fields) as [JobField, RedisArg][];
  return bench.jobs.setFields(JOB, new Map(entries));
}

/** Lets the lease run out, if there is one, whoever has it. */
export async function expireLease({ bench }: Scene): Promise<void> {
  const wip = bench.keys.registry("wip", QUEUE);
  for (const member of await bench.members(wip)) {
    await bench.send("ZADD", wip, 1, member);
  }
}

/** Takes away what heartbeats of the worker have recorded: it runs for a moment only. */
export async function missHeartbeat({ bench, worker }: Scene): Promise<void> {
  const own = await bench.field(JOB, "x_execution");
  if (own === null) return;
  const executions = [`rq:execution:${JOB}:${own}`, `rq:executions:${JOB}`];
  await bench.send(
    "DEL",
    `${bench.keys.worker(worker.name)}:executions`,
    ...executions,
  );
}

/** Has it be the last job of a schedule, which is due, and replaces it. The next job goes to another queue. */
export async function scheduleReplaces({ bench }: Scene): Promise<void> {
  await put(storeOf(bench), "s", {
    queue: PARENTS_QUEUE,
    hash: { overlap: "replace", last_job: JOB },
  });
}

/** Lets whoever has popped it be away for long, if it is popped. */
export async function popLongAgo({ bench }: Scene): Promise<void> {
  const list = bench.keys.intermediate(QUEUE);
  if (await bench.send("LPOS", list, JOB) !== null) {
    await bench.send("SET", `${list}:first_seen:${JOB}`, 5);
  }
}

/** Lets its time come, if it is scheduled. */
export async function makeDue({ bench }: Scene): Promise<void> {
  const scheduled = bench.keys.registry("scheduled", QUEUE);
  await bench.send("ZADD", scheduled, "XX", 1, JOB);
}

/** Puts its id among those whose time has come, in whichever state it is: RQ before 3.0 does so in a step of its own. */
export async function strayIntoScheduled({ bench }: Scene): Promise<void> {
  await bench.send("ZADD", bench.keys.registry("scheduled", QUEUE), 1, JOB);
}

/** Takes the hash away and nothing else. */
export async function expireHash({ bench }: Scene): Promise<void> {
  await bench.send("DEL", bench.keys.job(JOB));
}

/** Lets the time of all keys of the job run out that have one, as Redis would. */
export async function expireKeys({ bench }: Scene): Promise<void> {
  for (const key of await bench.allKeys()) {
    if (key.includes(JOB) && await bench.ttl(key) > 0) {
      await bench.send("DEL", key);
    }
  }
  for (const name of ["finished", "failed"] as const) {
    await bench.send("ZADD", bench.keys.registry(name, QUEUE), "XX", 1, JOB);
  }
}

/** Stores the parent, if it is not there. */
export async function addParent({ bench }: Scene): Promise<void> {
  if (!await bench.jobs.exists(PARENT)) {
    await bench.add(PARENT, { queue: PARENTS_QUEUE });
  }
}

/** Has the parent know of the job, in whichever state it is, as one that waits for it. */
export async function waitForParent(scene: Scene): Promise<void> {
  await addParent(scene);
  const { bench } = scene;
  await bench.send("SADD", `${bench.keys.job(PARENT)}:dependents`, JOB);
  await bench.send("SADD", bench.keys.dependencies(JOB), PARENT);
}

/** The same, and the parent has finished without a word to those that wait for it. */
export async function missParentsEnd(scene: Scene): Promise<void> {
  await waitForParent(scene);
  const { bench } = scene;
  await bench.send("HSET", bench.keys.job(PARENT), "status", "finished");
}

/** The same, and somebody has begun to release them. */
export async function beginRelease(scene: Scene): Promise<void> {
  await missParentsEnd(scene);
  const { bench } = scene;
  const held = `finished 500 ${PARENTS_QUEUE}`;
  await bench.send("HSET", bench.keys.releasing, PARENT, held);
}

/** Limits the job, if there is one, to run alone among those of its key. */
export async function limitJob(scene: Scene): Promise<void> {
  await setFields(scene, { rate_limit_key: "key", rate_limit_concurrency: 1 });
  await scene.bench.send("SADD", "rq:rl-keys", "key");
  await scene.bench.send("HSET", "rq:rl:key", "concurrency", 1);
}

/** The same, and gives it the only slot, in whichever state it is. */
export async function giveSlot(scene: Scene): Promise<void> {
  await limitJob(scene);
  await scene.bench.send("ZADD", "rq:rl:key:allowed", 1_700_000_000, JOB);
}

/** Gives the only slot to another job. */
export async function occupySlot({ bench }: Scene): Promise<void> {
  await bench.send("ZADD", "rq:rl:key:allowed", 1_700_000_000, "other");
}

/** Lets one of the jobs of its key start within ten minutes, the job among them, if there is one. */
export async function openWindow(scene: Scene): Promise<void> {
  const own = { rate_limit_key: "key", x_rate_starts: 1, x_rate_per: 600 };
  await setFields(scene, own);
  const { bench } = scene;
  await bench.send("SADD", "rq:rl-keys", "key");
  await bench.send("DEL", "rq:rl:key");
  await bench.send("HSET", "rq:rl:key", "x_starts", 1, "x_per", 600);
}

/** The same, and another job has just started. */
export async function fillWindow(scene: Scene): Promise<void> {
  await openWindow(scene);
  const now = Date.now() / 1_000;
  await scene.bench.send("ZADD", "rq:rl:key:x_starts", now, "other:e");
}

/** The same, where the job has been let through and has not started yet, in whichever state it is. */
export async function letThrough(scene: Scene): Promise<void> {
  await giveSlot(scene);
  await openWindow(scene);
  await scene.bench.send("ZADD", "rq:rl:key:x_starts", "inf", JOB);
}

/** Has a worker look at the limit now. */
export async function planLook({ bench }: Scene): Promise<void> {
  await bench.send("ZADD", bench.keys.looks(QUEUE), 1, "key");
}

/** The limit by which jobs of the key `a` take turns. */
const TURN = fairLimit(QUEUE, "a");

/** Fields of a job with that key. */
export const FAIR: Readonly<Partial<Record<JobField, string | number>>> = {
  x_fair_key: "a",
  rate_limit_key: TURN,
  rate_limit_concurrency: FAIR_CONCURRENCY,
};

/** Gives the job that key, if there is one; if it is limited, it waits for its turn. */
export async function shareJob(scene: Scene): Promise<void> {
  await setFields(scene, FAIR);
  const { bench } = scene;
  await bench.send("SADD", bench.keys.fair(QUEUE), TURN);
  if (await bench.send("ZREM", "rq:rl:key:rate_limited", JOB) === 1) {
    await bench.send("ZADD", bench.keys.rateLimited(TURN), 1_700_000_000, JOB);
  }
}

/** The same, and it is its turn, in whichever state it is. */
export async function giveTurn(scene: Scene): Promise<void> {
  await shareJob(scene);
  const { bench } = scene;
  await bench.send("ZADD", bench.keys.allowed(TURN), 1_700_000_000, JOB);
}

/** Lets it be the turn of another job. */
export async function occupyTurn(scene: Scene): Promise<void> {
  await shareJob(scene);
  const { bench } = scene;
  await bench.send("ZADD", bench.keys.allowed(TURN), 1_700_000_000, "other");
  await bench.send("HSET", bench.keys.job("other"), "status", "queued");
}

/** Stores the parent, which the job does not wait for, and gives it the only slot. */
export async function addParentWithSlot(scene: Scene): Promise<void> {
  await addParent(scene);
  const { bench } = scene;
  const limit = ["rate_limit_key", "key", "rate_limit_concurrency", 1];
  await bench.send("HSET", bench.keys.job(PARENT), ...limit);
  await bench.send("HSET", "rq:rl:key", "concurrency", 1);
  await bench.send("ZADD", "rq:rl:key:allowed", 1_700_000_000, PARENT);
}

/** The unique key of the job. */
const KEY = `rq:x_unique:${QUEUE.length}:${QUEUE}:key`;

/** Has the job, if there is one, ask for a unique key. */
export function nameKey(
  scene: Pick<Scene, "bench">,
  till = "ended",
): Promise<unknown> {
  return setFields(scene, { x_unique: "key", x_unique_how: `${till} error` });
}

/** The same, and gives it the key, in whichever state it is. */
export async function holdKey(scene: Scene, till = "ended"): Promise<void> {
  await nameKey(scene, till);
  const { bench } = scene;
  const created = await bench.field(JOB, "created_at");
  if (created === null) return;
  await bench.send("SET", KEY, `${till} ${JOB} ${created}`);
  await bench.send("ZADD", "rq:x_unique_keys", 9e9, `1:${QUEUE}:key`);
}

/** Gives the key to another job. */
export async function takeKey({ bench }: Scene): Promise<void> {
  const fields = { x_unique: "key", x_unique_how: "ended error" };
  await bench.add("other", { queue: QUEUE, due: "+3600", fields });
}

/** Has a job be gone whose key has stayed. */
export async function leaveKey(scene: Scene): Promise<void> {
  await takeKey(scene);
  await scene.bench.send("DEL", "rq:job:other");
}

/** Lets the time come to look at unique keys. */
export async function letLookAtKeys({ bench }: Scene): Promise<void> {
  await bench.send("ZADD", "rq:x_unique_keys", "XX", 1, `1:${QUEUE}:key`);
}
