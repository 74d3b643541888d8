/** Merging a patch into a job's `meta`. @module */

import { createHash } from "node:crypto";
import { encodeJson } from "../job/json.ts";
import { type MetaPatch, patched, readMeta } from "../job/meta.ts";
import type { RedisClient } from "../redis/redis_client.ts";
import type { Keys } from "./keys.ts";
import { list } from "./replies.ts";
import { REPLACE_META } from "./scripts/replace_meta.ts";

/** Where the job is: a connection, and the names of its keys. */
interface Place {
  readonly client: RedisClient;
  readonly keys: Keys;
}

/** Options of {@linkcode mergeMeta}. */
export interface MergeOptions {
  /** What `meta` probably is. If it is something else, this takes another round trip. */
  readonly known: Uint8Array | undefined;
  /** Only while this execution has the job. @default anybody */
  readonly execution?: string;
}

/** What became of a patch: `gone` there is no such job, `lost` the execution has lost it; else `meta` as stored. */
export type Merged = "gone" | "lost" | Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Merges a patch into a job's `meta`, in one step: what others change at the same time is kept, except for the keys of the
 * patch. One who loses against another tries again, so one of them always gets on.
 *
 * @throws {TypeError} If another serializer than JSON wrote `meta`.
 */
export async function mergeMeta(
  { client, keys }: Place,
  id: string,
  patch: MetaPatch,
  { known = new Uint8Array(), execution = "" }: MergeOptions,
): Promise<Merged> {
  for (let before = known;;) {
    const meta = readMeta(before);
    if (meta === undefined) {
      throw new TypeError(
        `Cannot change meta of job "${id}": another serializer than JSON wrote it`,
      );
    }
    const text = encodeJson(patched(meta, patch), "meta", { bigInts: true });
    const reply = await REPLACE_META.run(
      client,
      [keys.job(id)],
      [keys.prefix, execution, sha1(before), text],
      { binary: true, resend: true },
    );
    const [word, now] = list(reply) as Uint8Array[];
    const what = decoder.decode(word);
    if (what === "gone" || what === "lost") return what;
    if (what === "written") return encoder.encode(text);
    before = now!;
  }
}

function sha1(bytes: Uint8Array): string {
  return createHash("sha1").update(bytes).digest("hex");
}
