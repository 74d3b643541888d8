/** Reading what keeps a job from running. @module */

import type { RedisClient } from "../redis/redis_client.ts";
import type { Keys } from "./keys.ts";
import { list, texts } from "./replies.ts";
import { EXPLAIN } from "./scripts/explain.ts";

/** How many parents, or jobs that have a slot, are listed. */
const MOST_LISTED = 10;

/** The facts of EXPLAIN, which has their names and values. */
export class JobFacts {
  readonly #facts: readonly (readonly string[])[];

  /** As they were read. */
  constructor(facts: readonly (readonly string[])[]) {
    this.#facts = facts;
  }

  /** The values of a fact; `undefined` if it is not one. */
  one(name: string): readonly string[] | undefined {
    return this.all(name)[0];
  }

  /** The values of all facts of a name. */
  all(name: string): (readonly string[])[] {
    return this.#facts.filter(([first]) => first === name)
      .map(([, ...values]) => values);
  }
}

/** What keeps a job from running; `null` if there is no such job. */
export async function readFacts(
  { client, keys }: { readonly client: RedisClient; readonly keys: Keys },
  id: string,
): Promise<JobFacts | null> {
  const reply = list(
    await EXPLAIN.run(
      client,
      [keys.job(id)],
      [keys.prefix, id, MOST_LISTED],
      { resend: true },
    ),
  );
  return reply.length === 0 ? null : new JobFacts(reply.map(texts));
}
