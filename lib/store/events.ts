/**
 * The stream of events: what has happened to jobs, for those who watch.
 *
 * @module
 */

import type { JobProgress } from "../job/record.ts";
import type { RedisClient, RedisReply } from "../redis/redis_client.ts";
import type { Keys } from "./keys.ts";
import { list, texts } from "./replies.ts";
import { LOOK_AT_JOB } from "./scripts/look_at_job.ts";
import { WATCH } from "./scripts/watch.ts";

/** For how many seconds events are written after each {@linkcode watch}. */
export const WATCH_SECONDS = 30;

const RESEND = { resend: true } as const;

/** Where the keys are: a connection, and their names. */
interface Place {
  readonly client: RedisClient;
  readonly keys: Keys;
}

/** An entry of the stream: the same that has happened to jobs of one queue. */
export interface StoredEvent {
  /** The entry's id. */
  readonly id: string;
  /** The new status of the jobs, `deleted`, `progress` or `log`. */
  readonly event: string;
  readonly queue: string;
  readonly jobIds: readonly string[];
  /** Further facts by their names. */
  readonly facts: ReadonlyMap<string, string>;
}

/** What the stream holds, and whether somebody has watched until now. */
export interface Watched {
  readonly firstId: string;
  readonly lastId: string;
  readonly before: boolean;
}

/** Has events written from now on, for {@linkcode WATCH_SECONDS}. */
export async function watch({ client, keys }: Place): Promise<Watched> {
  const reply = await WATCH.run(
    client,
    [keys.watched, keys.events],
    [keys.prefix, WATCH_SECONDS],
    RESEND,
  );
  const [firstId = "0-0", lastId = "0-0", before] = texts(reply);
  return { firstId, lastId, before: before === "1" };
}

/** What is watched of a job, as it was at one moment. */
export interface WatchedJob {
  /** When that was, by the server's clock. */
  readonly at: Date;
  /** Later events are later than this. */
  readonly lastId: string;
  readonly exists: boolean;
  /** As stored, or "". */
  readonly status: string;
  readonly workerName: string | undefined;
  readonly progress: JobProgress | undefined;
}

/** Reads what is watched of a job. */
export async function lookAtJob(
  { client, keys }: Place,
  id: string,
): Promise<WatchedJob> {
  const reply = await LOOK_AT_JOB.run(
    client,
    [keys.job(id), keys.events],
    [keys.prefix],
    RESEND,
  );
  const [lastId, millis, exists, status = "", worker, value = "", note = ""] =
    texts(reply);
  return {
    at: new Date(Number(millis)),
    lastId: lastId || "0-0",
    exists: exists === "1",
    status,
    workerName: worker || undefined,
    progress: progressOf(value, note),
  };
}

/** The progress that is stored as texts; `undefined` if there is none. */
export function progressOf(
  value: string,
  note: string,
): JobProgress | undefined {
  const number = Number(value);
  if (value === "" || !(number >= 0 && number <= 1)) return undefined;
  return note === "" ? { value: number } : { value: number, note };
}

/** Reads the reply of an XREAD of this one stream. */
export function eventsOfReply(reply: RedisReply): StoredEvent[] {
  return list(reply).flatMap((stream) => list(list(stream)[1] ?? null))
    .map(eventOfEntry);
}

function eventOfEntry(entry: RedisReply): StoredEvent {
  const [id, flat] = list(entry);
  const facts = new Map<string, string>();
  const values = texts(flat ?? null);
  for (let i = 0; i + 1 < values.length; i += 2) {
    facts.set(values[i]!, values[i + 1]!);
  }
  return {
    id: String(id),
    event: facts.get("event") ?? "",
    queue: facts.get("queue") ?? "",
    jobIds: facts.get("jobs")?.split(" ") ?? [],
    facts,
  };
}
