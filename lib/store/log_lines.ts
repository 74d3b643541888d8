/**
 * The logs of jobs: what a job has logged, and, where that is wanted, printed.
 *
 * @module
 */

import type { RedisClient, RedisReply } from "../redis/redis_client.ts";
import type { Keys } from "./keys.ts";
import { list, noWrongType, texts } from "./replies.ts";
import { ADD_LOG } from "./scripts/add_log.ts";
import { dateOf } from "./stream_ids.ts";
import type { Execution } from "./worker_types.ts";

const RESEND = { resend: true } as const;

/** How many lines one call reads. */
const PAGE = 200;

/** Where the keys are: a connection, and their names. */
interface Place {
  readonly client: RedisClient;
  readonly keys: Keys;
}

/** Where a line comes from: `currentJob.log()`, or what the job has printed. */
export type LogSource = "log" | "stdout" | "stderr";

const SOURCES: ReadonlySet<string> = new Set<LogSource>([
  "log",
  "stdout",
  "stderr",
]);

/** A line of a job's log. */
export interface LogLine {
  /** Its number, counted from 1; numbers are missing where lines were dropped. */
  readonly line: number;
  /** Where it comes from: `currentJob.log()`, or what the job has printed. */
  readonly source: LogSource;
  /** The text, without a line break. */
  readonly text: string;
  /** When it was stored, by the clock of Redis. */
  readonly at: Date;
  /** Which start of the job has written it, counted from 1. */
  readonly attempt: number;
}

/** A line on its way in. */
export type NewLine = readonly [source: LogSource, text: string];

/** What is added to a log by one call. */
export interface LogAddition {
  /** The number of the call within the execution. */
  readonly call: number;
  /** How many bytes of the log are kept. */
  readonly most: number;
  /** How many lines before these were dropped. */
  readonly dropped: number;
  readonly lines: readonly NewLine[];
}

/** Adds lines to the log of a running job; `false` if its lease is lost. */
export async function addLog(
  { client, keys }: Place,
  { id, job }: Execution,
  { call, most, dropped, lines }: LogAddition,
): Promise<boolean> {
  const attempt = job.integer("x_attempts") ?? 1;
  const reply = await ADD_LOG.run(
    client,
    [keys.job(job.id), keys.log(job.id)],
    [keys.prefix, job.id, id, call, most, dropped, attempt, ...lines.flat()],
    RESEND,
  );
  return reply === 1;
}

/** The lines of a log behind an entry of its stream, in pages, each line with its entry's id. */
export async function* readLog(
  { client, keys }: Place,
  jobId: string,
  after: string,
): AsyncGenerator<readonly (readonly [entryId: string, line: LogLine])[]> {
  for (let from = after;;) {
    const args = [keys.log(jobId), `(${from}`, "+", "COUNT", PAGE];
    const entries = list(
      await noWrongType(client.send("XRANGE", args, RESEND)),
    );
    const last = entries.at(-1);
    if (last === undefined) return;
    from = String(list(last)[0]);
    yield entries.flatMap(lineOf);
    if (entries.length < PAGE) return;
  }
}

/** Reads an entry. Anybody may have written it: one that is no line is left out. */
function lineOf(entry: RedisReply): (readonly [string, LogLine])[] {
  const [id, flat] = list(entry);
  const values = texts(flat ?? null);
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < values.length; i += 2) {
    fields.set(values[i]!, values[i + 1]!);
  }
  const source = fields.get("source") ?? "";
  if (!SOURCES.has(source)) return [];
  const entryId = String(id);
  return [[entryId, {
    line: count(fields.get("line")),
    source: source as LogSource,
    text: fields.get("text") ?? "",
    at: dateOf(entryId),
    attempt: count(fields.get("attempt")) || 1,
  }]];
}

function count(text: string | undefined): number {
  const number = Number(text);
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
}
