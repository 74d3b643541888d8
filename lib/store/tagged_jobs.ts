/** The index of tags: finding jobs by it, and cleaning it. @module */

import type { JobRecord } from "../job/record.ts";
import { tagsOfText } from "../job/tags.ts";
import type { RedisClient } from "../redis/redis_client.ts";
import type { JobStore } from "./job_store.ts";
import type { Keys } from "./keys.ts";
import { list, noWrongType, texts } from "./replies.ts";
import { CLEAN_TAGS } from "./scripts/clean_tags.ts";

/** About how many jobs are read at once. */
const PAGE = 100;

/** How many tags and how many jobs one call of the script looks at. */
const BATCH = { tags: 50, jobs: 200 } as const;

const RESEND = { resend: true } as const;

/** The jobs of a queue with a tag, each once, in no particular order. Jobs that come meanwhile may be missing. */
export async function* taggedJobs(
  store: JobStore,
  queue: string,
  tag: string,
): AsyncGenerator<JobRecord> {
  const { client, keys } = store;
  const seen = new Set<string>(); // ZSCAN may return an id twice
  let cursor = "0";
  do {
    const args = [keys.tag(queue, tag), cursor, "COUNT", PAGE];
    const reply = await noWrongType(client.send("ZSCAN", args, RESEND));
    const [next = "0", flat] = list(reply);
    cursor = String(next);
    const ids = texts(flat ?? []).filter((id, i) =>
      i % 2 === 0 && !seen.has(id)
    );
    for (const id of ids) seen.add(id);
    const records = await Promise.all(ids.map((id) => store.fetch(id)));
    for (const record of records) {
      // The id may be another job's by now, or its hash expired.
      if (record === null || record.text("origin") !== queue) continue;
      if (tagsOfText(record.text("x_tags")).includes(tag)) yield record;
    }
  } while (cursor !== "0");
}

/** See `SweepStore.cleanTags`. */
export async function cleanTags(
  client: RedisClient,
  keys: Keys,
  signal?: AbortSignal,
): Promise<void> {
  const args = [keys.prefix, BATCH.tags, BATCH.jobs];
  while (!signal?.aborted) {
    const reply = await CLEAN_TAGS.run(client, [keys.tags], args, RESEND);
    if (reply !== 1) return;
  }
}
