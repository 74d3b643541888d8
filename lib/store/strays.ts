/**
 * What does not belong: keys and ids that are left of jobs that are gone, and jobs that are nowhere. RQ leaves such things
 * behind, and so does whoever writes to Redis by hand.
 *
 * @module
 */

import type { JobStore } from "./job_store.ts";
import type { RegistryName } from "./keys.ts";
import { registryPages } from "./registries.ts";
import { list, texts } from "./replies.ts";
import { DROP_GHOSTS, DROP_STRAYS, FIND_LOST } from "./scripts/strays.ts";

/** How many keys one call looks at. */
const PAGE = 200;

const RESEND = { resend: true } as const;

/** Registries whose entries are ids of jobs. */
const REGISTRIES: readonly RegistryName[] = [
  "finished",
  "failed",
  "deferred",
  "scheduled",
  "canceled",
];

/** How it is looked. */
export interface StrayOptions {
  /** Whether what is left of jobs that are gone is removed. */
  readonly mend: boolean;
  /** Ends it between two calls. */
  readonly signal?: AbortSignal;
  /** Called after each call. */
  onLooked(count: number): void;
}

/** Ids of jobs that are gone, in registries of a queue. If wanted, they are removed. */
export async function* ghosts(
  store: JobStore,
  queue: string,
  { mend, signal, onLooked }: StrayOptions,
): AsyncGenerator<string> {
  const { client, keys } = store;
  for (const name of REGISTRIES) {
    for await (const page of registryPages(store, { queue, name })) {
      if (signal?.aborted) return;
      const ids = page.map(({ id }) => id);
      const args = [keys.prefix, mend ? "mend" : "look", ...ids];
      const key = [keys.registry(name, queue)];
      yield* texts(await DROP_GHOSTS.run(client, key, args, RESEND));
      onLooked(ids.length);
    }
  }
}

/** Results of jobs that are gone, and that would stay for ever: their ids. If wanted, they are deleted. */
export async function* strayResults(
  store: JobStore,
  { mend, signal, onLooked }: StrayOptions,
): AsyncGenerator<string> {
  const { client, keys } = store;
  for await (const ids of idsOfKeys(store, keys.results(""))) {
    if (signal?.aborted) return;
    const args = [keys.prefix, mend ? "mend" : "look", ...ids];
    const streams = ids.map((id) => keys.results(id));
    const reply = await DROP_STRAYS.run(client, streams, args, RESEND);
    for (const position of list(reply)) yield ids[Number(position) - 1]!;
    onLooked(ids.length);
  }
}

/** Jobs that are in no registry although their status says so, and that would stay for ever. */
export async function* lostJobs(
  store: JobStore,
  { signal, onLooked }: StrayOptions,
): AsyncGenerator<{ readonly id: string; readonly status: string }> {
  const { client, keys } = store;
  for await (const all of idsOfKeys(store, keys.job(""))) {
    if (signal?.aborted) return;
    // Other keys of a job begin and end with a colon, or end with a word behind one.
    const ids = all.filter((id) => !id.includes(":"));
    if (ids.length === 0) continue;
    const hashes = ids.map((id) => keys.job(id));
    const args = [keys.prefix, ...ids];
    const reply = texts(await FIND_LOST.run(client, hashes, args, RESEND));
    for (let i = 0; i + 1 < reply.length; i += 2) {
      yield { id: reply[i]!, status: reply[i + 1]! };
    }
    onLooked(ids.length);
  }
}

/** What follows a beginning in the names of keys, in pages; some may come twice. */
async function* idsOfKeys(
  { client }: JobStore,
  beginning: string,
): AsyncGenerator<string[]> {
  const pattern = `${beginning.replaceAll(/[\\*?[\]]/g, "\\$&")}*`;
  let cursor = "0";
  do {
    const args = [cursor, "MATCH", pattern, "COUNT", PAGE];
    const [next = "0", found] = list(await client.send("SCAN", args, RESEND));
    cursor = String(next);
    const ids = texts(found ?? null).map((key) => key.slice(beginning.length));
    // A page may have many more than was asked for.
    for (let i = 0; i < ids.length; i += PAGE) yield ids.slice(i, i + PAGE);
  } while (cursor !== "0");
}
