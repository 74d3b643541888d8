/** The results of a job's attempts. @module */

import type { JobField } from "../job/fields.ts";
import type { StoredResult } from "../job/result_codec.ts";
import type { RedisReply } from "../redis/redis_client.ts";
import type { ResultField } from "./fields.ts";
import type { JobStore } from "./job_store.ts";
import { list, noWrongType, texts } from "./replies.ts";
import { LATEST_RESULT, RUN_FIELDS } from "./scripts/latest_result.ts";

/**
 * How many entries are read at once. RQ keeps ten, and Redis trims the stream only in larger steps; but each may be of
 * many megabytes.
 */
const PAGE = 10;

const RESEND = { resend: true } as const;

/** How an attempt ended, with all that is stored of it. */
export interface StoredAttempt extends StoredResult {
  /** A field of the entry. */
  text(field: ResultField): string | undefined;
  /** A field of the job's hash, if that tells of this attempt: of the latest one, which was a success. */
  ofJob(field: JobField): string | undefined;
}

/** The results of a job, the latest first. */
export async function* attemptsOf(
  store: JobStore,
  id: string,
): AsyncGenerator<StoredAttempt> {
  const latest = await latestAttempt(store, id);
  if (latest === null) return;
  yield latest;
  for (let before = latest.entryId;;) {
    const page = await noWrongType(store.client.send(
      "XREVRANGE",
      [store.keys.results(id), `(${before}`, "-", "COUNT", PAGE],
      RESEND,
    ));
    const attempts = list(page).map((entry) => attemptOf(entry, new Map()));
    yield* attempts;
    if (attempts.length < PAGE) return;
    before = attempts.at(-1)!.entryId;
  }
}

/** The latest result of a job, or `null`. */
export async function latestAttempt(
  { client, keys }: JobStore,
  id: string,
): Promise<StoredAttempt | null> {
  const reply = await LATEST_RESULT.run(
    client,
    [keys.job(id), keys.results(id)],
    [keys.prefix],
    RESEND,
  );
  const [entry, ...values] = list(reply);
  if (entry === undefined) return null;
  const run = new Map<JobField, string>(
    RUN_FIELDS.map((name, i) => [name, String(values[i])]),
  );
  return attemptOf(entry, run.get("status") === "finished" ? run : new Map());
}

/** How many results a job has. */
export async function countResults(
  { client, keys }: JobStore,
  id: string,
): Promise<number> {
  const reply = client.send("XLEN", [keys.results(id)], RESEND);
  return Number(await noWrongType(reply));
}

/** Deletes the results of a job. */
export async function deleteResults(
  { client, keys }: JobStore,
  id: string,
): Promise<void> {
  await client.send("DEL", [keys.results(id)], RESEND);
}

function attemptOf(
  entry: RedisReply,
  ofJob: ReadonlyMap<JobField, string>,
): StoredAttempt {
  const [entryId, flat] = list(entry);
  const values = texts(flat ?? null);
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < values.length; i += 2) {
    fields.set(values[i]!, values[i + 1]!);
  }
  const text = (field: ResultField) => fields.get(field) || undefined;
  return {
    entryId: String(entryId),
    type: Number(fields.get("type")),
    returnValue: fields.get("return_value"),
    excString: fields.get("exc_string"),
    text,
    ofJob: (field) => ofJob.get(field) || undefined,
  };
}
