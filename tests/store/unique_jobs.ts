/** What the tests of unique keys share. */

import { assert, assertEquals } from "@std/assert";
import { DuplicateJobError } from "../../lib/base/errors.ts";
import type { JobField } from "../../lib/job/fields.ts";
import type { RedisArg } from "../../lib/redis/redis_client.ts";
import type { Bench } from "./support.ts";

export type Fields = Partial<Record<JobField, RedisArg>>;

/** The fields of a job with the key `k`. */
export function unique(how: string, others: Fields = {}): Fields {
  return { x_unique: "k", x_unique_how: how, ...others };
}

/** That key of the queue `q`. */
export const KEY: string = "rq:x_unique:1:q:k";

/** Enqueues a job; gives its status, or the id of the job that holds the key. */
export async function add(
  bench: Bench,
  id: string,
  fields: Fields,
  options: { due?: string; dependsOn?: string[]; ttl?: number } = {},
): Promise<string> {
  try {
    const { status, existing } = await bench.add(id, { fields, ...options });
    return existing === undefined ? status : `holder ${existing}`;
  } catch (error) {
    assert(error instanceof DuplicateJobError, `${error}`);
    assertEquals(error.uniqueKey, "k");
    return `held by ${error.jobId}`;
  }
}

export const ERROR: Fields = unique("ended error");
export const SKIP: Fields = unique("ended skip");
