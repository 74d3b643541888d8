/** The workers in Redis, ours and Python's, as those who look see them. @module */

import type { RedisReply } from "../redis/redis_client.ts";
import type { WorkerField } from "./fields.ts";
import type { JobStore } from "./job_store.ts";
import { DEAD_AFTER_SECONDS } from "./lease.ts";
import { list, noWrongType, texts } from "./replies.ts";

/** About how many workers are read at once. */
const PAGE = 50;
/** How many jobs of one worker are read at most. */
const MOST_JOBS = 1_000;

const RESEND = { resend: true } as const;

/** The fields that are read. The hash has others, which may be large. */
const SHOWN: readonly WorkerField[] = [
  "birth",
  "last_heartbeat",
  "death",
  "queues",
  "hostname",
  "pid",
  "ip_address",
  "version",
  "python_version",
  "state",
  "current_job",
  "successful_job_count",
  "failed_job_count",
  "total_working_time",
  "x_instance",
  "x_heartbeat",
];

/** A worker as stored, whoever wrote it. */
export interface StoredWorker {
  readonly name: string;
  /** Whether it has given signs of life lately. */
  readonly isAlive: boolean;
  /** The ids of the jobs that it runs, as far as it has said so. */
  readonly jobIds: readonly string[];
  /** A field of its hash; `undefined` if it is missing or empty. */
  text(field: WorkerField): string | undefined;
}

/** Options of {@linkcode listWorkers}. */
export interface WorkersOptions {
  /** Only the workers of this queue. @default all workers */
  readonly queue?: string | undefined;
}

/** All workers whose hash is there, in no particular order, each once. They are read in pages. */
export async function* listWorkers(
  store: JobStore,
  { queue }: WorkersOptions = {},
): AsyncGenerator<StoredWorker> {
  const { client, keys } = store;
  const set = queue === undefined ? keys.workers : keys.queueWorkers(queue);
  const seen = new Set<string>(); // SSCAN may return a member twice
  let cursor = "0";
  do {
    const args = [set, cursor, "COUNT", PAGE];
    const reply = await noWrongType(client.send("SSCAN", args, RESEND));
    const [next = "0", members] = list(reply);
    cursor = String(next);
    const names = texts(members ?? null).map((key) => keys.workerName(key))
      .filter((name) => !seen.has(name));
    for (const name of names) seen.add(name);
    const workers = await Promise.all(
      names.map((name) => fetchWorker(store, name)),
    );
    yield* workers.filter((worker) => worker !== null);
  } while (cursor !== "0");
}

/** The worker of a name, or `null` if there is none. */
export async function fetchWorker(
  { client, keys }: JobStore,
  name: string,
): Promise<StoredWorker | null> {
  const [hash, members, time] = await Promise.all([
    noWrongType(
      client.send("HMGET", [keys.worker(name), ...SHOWN], RESEND),
    ),
    noWrongType(
      client.send(
        "SRANDMEMBER",
        [keys.workerExecutions(name), MOST_JOBS],
        RESEND,
      ),
    ),
    client.send("TIME", [], RESEND),
  ]);
  const values = list(hash);
  if (values.every((value) => value === null)) return null;
  const fields = new Map<string, string>();
  SHOWN.forEach((field, i) => {
    const value = values[i];
    if (value !== null && value !== undefined) fields.set(field, String(value));
  });
  const text = (field: WorkerField) => fields.get(field) || undefined;
  return {
    name,
    isAlive: isAlive(text, Number(list(time)[0])),
    jobIds: jobsOf(text, members),
    text,
  };
}

/** How many workers have registered and not left, or died lately; those of one queue if it is given. */
export async function countWorkers(
  { client, keys }: JobStore,
  { queue }: WorkersOptions = {},
): Promise<number> {
  const set = queue === undefined ? keys.workers : keys.queueWorkers(queue);
  return Number(await noWrongType(client.send("SCARD", [set], RESEND)));
}

/** One of ours beats every few seconds; an idle one of Python may say nothing for minutes, until its hash expires. */
function isAlive(text: StoredWorker["text"], now: number): boolean {
  if (text("death") !== undefined) return false;
  if (text("x_instance") === undefined) return true;
  return now - Number(text("x_heartbeat") ?? 0) < DEAD_AFTER_SECONDS;
}

/** An execution is recorded at its first heartbeat; before that, the hash tells of the job that was claimed last. */
function jobsOf(text: StoredWorker["text"], members: RedisReply): string[] {
  if (text("state") === "idle") return [];
  const ids = texts(members).map((member) =>
    member.slice(0, member.lastIndexOf(":"))
  );
  const current = text("current_job");
  return [...new Set(current === undefined ? ids : [...ids, current])].sort();
}
