/**
 * Sends ends of executions to the scripts that record them: plain successes to FINISH, which is fast, all others to
 * SETTLE.
 *
 * @module
 */

import { MAX_SECONDS } from "../base/duration.ts";
import { isFairLimit } from "../job/fair_key.ts";
import type { JobRecord } from "../job/record.ts";
import type { RedisClient } from "../redis/redis_client.ts";
import type { Script } from "../redis/script.ts";
import { HOOKS } from "./hooks/hooks.ts";
import { texts } from "./replies.ts";
import type { Keys } from "./keys.ts";
import { Packer } from "./pack.ts";
import { END, LARGE_PAYLOAD } from "./records.ts";
import { dumpResult, MAX_DUMPED } from "./result_dump.ts";
import { FINISH } from "./scripts/finish.ts";
import { SETTLE } from "./scripts/settle.ts";
import type { End, EndReply, WorkerIdentity } from "./worker_types.ts";

/** The answer to one end: what became of it, and the cursor from which to release further dependents. */
export type Answer = readonly [EndReply, cursor: string];

const FINISHED: Answer = ["finished", "0"];

/** What the scripts need to know about the worker. */
export interface EndsContext {
  readonly worker: WorkerIdentity;
  /** Its state once the ends are recorded; "" to leave it. */
  readonly state: "idle" | "busy" | "";
  /** How many earlier ends may be sent again with these. */
  readonly unanswered: number;
  /** The server's time in milliseconds since 1970, if it is known. */
  readonly serverTime: number | undefined;
}

/** Fields of a job's hash that show that a success is not plain. */
const MARKS = HOOKS.flatMap(({ marks }) => marks);

/** Whether FINISH can probably record an end. */
function isPlain(end: End): boolean {
  return end.outcome === "finished" && end.ttl !== 0 &&
    end.hadHeartbeat === false && !end.needsHooks &&
    end.facts === undefined &&
    end.payload.length < LARGE_PAYLOAD &&
    !MARKS.some((field) => end.execution.job.has(field));
}

/**
 * Records ends. It calls the client synchronously, so a later call of the client is executed later. An end that FINISH
 * leaves is recorded a round trip later: if other jobs wait for the job since it was claimed, or the execution has
 * lost it.
 */
export async function sendEnds(
  client: RedisClient,
  keys: Keys,
  ends: readonly End[],
  context: EndsContext,
): Promise<readonly Answer[]> {
  const plain: End[] = [];
  const others: End[] = [];
  for (const end of ends) (isPlain(end) ? plain : others).push(end);
  if (plain.length === 0) return await settle(client, keys, ends, context);
  const [finished, settled] = await Promise.all([
    finish(client, keys, plain, context),
    settle(client, keys, others, context),
  ]);
  if (others.length === 0 && finished.every(Boolean)) {
    return ends.map(() => FINISHED);
  }
  const left = plain.filter((_, i) => !finished[i]);
  // By now the worker may have claimed other jobs.
  const late = await settle(client, keys, left, { ...context, state: "" });
  const answers = new Map<End, Answer>();
  others.forEach((end, i) => answers.set(end, settled[i]!));
  left.forEach((end, i) => answers.set(end, late[i]!));
  return ends.map((end) => answers.get(end) ?? FINISHED);
}

/** Tells of each end whether it was recorded. */
async function finish(
  client: RedisClient,
  keys: Keys,
  ends: readonly End[],
  context: EndsContext,
): Promise<boolean[]> {
  const reply = await run(FINISH, client, keys, context, [
    packed(ends, context.serverTime),
  ]);
  const answers = texts(reply);
  return ends.map((_, i) => reply === "finished" || answers[i] === "finished");
}

async function settle(
  client: RedisClient,
  keys: Keys,
  ends: readonly End[],
  context: EndsContext,
): Promise<Answer[]> {
  if (ends.length === 0) return [];
  const reply = await run(SETTLE, client, keys, context, [
    context.unanswered,
    packed(ends, context.serverTime),
  ]);
  const words = texts(reply);
  return ends.map((_, i) => {
    const [answer, cursor = "0"] = words.slice(2 * i, 2 * i + 2);
    return [answer as EndReply, cursor];
  });
}

function run(
  script: Script,
  client: RedisClient,
  keys: Keys,
  { worker, state }: EndsContext,
  args: readonly (number | Uint8Array)[],
): ReturnType<Script["run"]> {
  return script.run(
    client,
    [keys.worker(worker.name)],
    [keys.prefix, worker.name, state, ...args],
    { resend: true },
  );
}

/** A time to live for Redis: -1 for anything below 0, at most a century. */
function wholeSeconds(ttl: number): number {
  return ttl < 0 ? -1 : Math.floor(Math.min(ttl, MAX_SECONDS));
}

/** The limit of which a job that runs has a slot; the turn of a fair key is passed on when it starts. */
function limitOf(job: JobRecord): string {
  const limit = job.text("rate_limit_key") ?? "";
  return isFairLimit(limit) ? "" : limit;
}

const NO_FACTS: NonNullable<End["facts"]> = new Map();

const packer = new Packer();

function packed(
  ends: readonly End[],
  serverTime: number | undefined,
): Uint8Array {
  packer.begin();
  for (const end of ends) {
    const { execution: { id, queue, job }, outcome, ttl, payload } = end;
    const again = end.retry?.type === "again" ? end.retry : undefined;
    const dumps = serverTime !== undefined && outcome === "finished" &&
      payload.length <= MAX_DUMPED;
    const dump = dumps ? dumpResult(payload, serverTime) : undefined;
    packer.record(END, {
      queue,
      jobId: job.id,
      execution: id,
      outcome,
      ttl: wholeSeconds(ttl),
      payload: dump?.bytes ?? payload,
      textFrom: dump?.from ?? 0,
      textTo: dump?.to ?? 0,
      isChild: job.has("dependency_ids") ? 1 : 0,
      limit: limitOf(job),
      workedSeconds: end.workedMs / 1_000,
      attempt: job.integer("x_attempts") ?? 1,
      retry: end.retry?.type ?? "",
      retryIn: again?.in ?? "",
      retryMax: again?.max ?? "",
      random: end.random ?? 0.5,
    }, end.facts ?? NO_FACTS);
  }
  return packer.take();
}
