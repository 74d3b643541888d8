/**
 * Jobs and queues in Redis, as those who enqueue and look see them. Together with
 * `worker_store.ts` the only way to Redis for the rest of the library.
 *
 * @module
 */

import type { JobField } from "../job/fields.ts";
import { fieldsOfReply, JobRecord } from "../job/record.ts";
import type { StoredResult } from "../job/result_codec.ts";
import type {
  RedisArg,
  RedisClient,
  RedisReply,
} from "../redis/redis_client.ts";
import {
  cancel,
  type CancelWishes,
  type Change,
  remove,
  requeue,
} from "./change_job.ts";
import { type Enqueued, Enqueuer } from "./enqueuer.ts";
import type { Keys } from "./keys.ts";
import type { NewJob } from "./new_job.ts";
import { queueIdPages, queueIds, queueLengths } from "./queue_ids.ts";
import { list, noWrongType, texts } from "./replies.ts";
import { AWAIT } from "./scripts/await.ts";
import { EMPTY } from "./scripts/empty.ts";
import { SET_FIELDS } from "./scripts/set_fields.ts";
import { STATE } from "./scripts/state.ts";
import { freeUnique, uniqueHolder } from "./unique_keys.ts";
import { TAKE_OFF } from "./scripts/take_off.ts";
import { dropTurns, waitingTurns } from "./turns.ts";

/** A job's state at one moment. */
export interface JobState {
  /** Whether there is a job of this id. */
  readonly exists: boolean;
  /** The status as stored, or `null` where the hash has none. */
  readonly status: string | null;
  /** The latest entry of its results, which may be of an earlier run. */
  readonly latest: StoredResult | null;
}

/** What one who is about to wait for a job needs to know of it. */
export interface AwaitedState extends JobState {
  /** Entries in the stream of ends after this one are later than the state. */
  readonly endsAfter: string;
  /** A parent for which a deferred job waits in vain, if there is one, and its status or `gone`. */
  readonly inVain: { readonly parent: string; readonly status: string } | null;
}

/** How many jobs one call deletes: each may free a slot of a rate limit, which queues another job. */
const BATCH = 40;

/** For idempotent calls: reads, and scripts that recognize their own work. */
const RESEND = { resend: true } as const;

/** Jobs and queues in Redis. */
export class JobStore {
  /** The connection. */
  readonly client: RedisClient;
  /** The names of the keys. */
  readonly keys: Keys;
  readonly #enqueuer: Enqueuer;

  /** Works on one connection and under one prefix. */
  constructor(client: RedisClient, keys: Keys) {
    this.client = client;
    this.keys = keys;
    this.#enqueuer = new Enqueuer(client, keys);
  }

  /**
   * Stores a job and puts it on its queue, or into the deferred registry.
   *
   * @throws {ConnectionLostError} If the connection is lost before the reply and the job keeps no result.
   * @throws {CallRefusedError} If Redis will never accept it, for example because it is too large.
   * @throws {DuplicateJobError} If the id is taken by a job that has not ended.
   */
  enqueue(job: NewJob): Promise<Enqueued> {
    return this.#enqueuer.enqueue(job);
  }

  /**
   * Stores jobs of one queue in their order, with an outcome for each. Where possible, they share
   * calls.
   */
  enqueueMany(
    jobs: readonly NewJob[],
  ): Promise<PromiseSettledResult<Enqueued>[]> {
    return this.#enqueuer.enqueueMany(jobs);
  }

  /** The job with an id, or `null` if there is none. */
  async fetch(id: string): Promise<JobRecord | null> {
    const reply = await noWrongType(
      this.client.send("HGETALL", [this.keys.job(id)], {
        binary: true,
        ...RESEND,
      }),
    );
    const fields = fieldsOfReply(list(reply));
    return fields.has("data") ? new JobRecord(id, fields) : null;
  }

  /** The status in a job's hash and its latest result, read at the same moment. */
  async state(id: string, signal?: AbortSignal): Promise<JobState> {
    const reply = await STATE.run(
      this.client,
      [this.keys.job(id), this.keys.results(id)],
      [this.keys.prefix],
      signal === undefined ? RESEND : { ...RESEND, signal },
    );
    return stateOf(reply);
  }

  /** The same for a client that is about to wait: from now on, the stream of ends announces this job's end. */
  async await(id: string, signal?: AbortSignal): Promise<AwaitedState> {
    const reply = await AWAIT.run(
      this.client,
      [this.keys.job(id), this.keys.results(id), this.keys.dependencies(id)],
      [this.keys.prefix],
      signal === undefined ? RESEND : { ...RESEND, signal },
    );
    const [, , , millis, parent, status] = list(reply);
    return {
      ...stateOf(reply),
      endsAfter: `${Number(millis) - 1}-0`,
      inVain: parent
        ? { parent: String(parent), status: String(status) }
        : null,
    };
  }

  /** Only the status in a job's hash, which is cheaper; `null` if there is none. */
  async status(id: string): Promise<string | null> {
    const reply = await noWrongType(
      this.client.send("HGET", [this.keys.job(id), "status"], RESEND),
    );
    return typeof reply === "string" ? reply : null;
  }

  /** Whether there is a job with this id. */
  async exists(id: string): Promise<boolean> {
    const reply = this.client.send(
      "HEXISTS",
      [this.keys.job(id), "data"],
      RESEND,
    );
    return await noWrongType(reply) === 1;
  }

  /** Writes fields of a job; `false` if it does not exist. */
  async setFields(
    id: string,
    fields: ReadonlyMap<JobField, RedisArg>,
  ): Promise<boolean> {
    const reply = await SET_FIELDS.run(
      this.client,
      [this.keys.job(id)],
      [this.keys.prefix, ...[...fields].flat()],
      RESEND,
    );
    return reply === 1;
  }

  /** The latest entry of a job's results, or `null`. */
  async latestResult(id: string): Promise<StoredResult | null> {
    const reply = await this.client.send(
      "XREVRANGE",
      [this.keys.results(id), "+", "-", "COUNT", 1],
      RESEND,
    );
    const [entry] = list(reply);
    return entry === undefined ? null : resultOfEntry(entry);
  }

  /** Cancels a job, or says why that was not done. */
  cancel(id: string, wishes: CancelWishes = {}): Promise<Change> {
    return cancel(this, id, wishes);
  }

  /**
   * Deletes a job and everything that is stored of it, if wanted the jobs that wait for it, too; `false` if there was
   * nothing.
   */
  delete(id: string, deleteDependents = false): Promise<boolean> {
    return remove(this, id, deleteDependents);
  }

  /** Puts a failed or stopped job back on its queue, or says why that was not done. */
  requeue(id: string, atFront: boolean): Promise<Change> {
    return requeue(this, id, atFront);
  }

  /** The id of the job that holds a queue's unique key, or `null`. */
  uniqueHolder(queue: string, key: string): Promise<string | null> {
    return uniqueHolder(this, queue, key);
  }

  /** Frees a queue's unique key; `false` if it was free. */
  freeUnique(queue: string, key: string): Promise<boolean> {
    return freeUnique(this, queue, key);
  }

  /** How many ids are on a queue's list, or wait for the turn of their fair key. */
  async count(queue: string): Promise<number> {
    const { queued, turns } = await queueLengths(this, queue);
    if (turns === 0) return queued;
    const counts = await waitingTurns(this, queue);
    return [...counts.values()].reduce((sum, count) => sum + count, queued);
  }

  /** Ids of a queue's list, head first, then of those that wait for the turn of their fair key. */
  jobIds(queue: string, offset: number, length: number): Promise<string[]> {
    return queueIds(this, queue, offset, length);
  }

  /** All of them in pages; see {@linkcode queueIdPages}. */
  jobIdPages(
    queue: string,
    options: { readonly listLast?: boolean } = {},
  ): AsyncIterable<readonly string[]> {
    return queueIdPages(this, queue, options);
  }

  /** Takes a job off a queue; the job itself stays. `false` if it was not there. */
  async remove(queue: string, id: string): Promise<boolean> {
    const list = [this.keys.queue(queue)];
    const args = [this.keys.prefix, id, queue];
    // Not sent again: a second call would report that it was not there.
    return await TAKE_OFF.run(this.client, list, args) === 1;
  }

  /**
   * Deletes the jobs that are on a queue now, or wait for the turn of their fair key; returns how many. Slots of rate limits
   * that this frees may queue others.
   */
  async empty(queue: string): Promise<number> {
    const count = await this.count(queue);
    let removed = 0;
    let turns: string[] = [];
    while (removed < count) {
      const reply = await EMPTY.run(
        this.client,
        [this.keys.queue(queue)],
        [this.keys.prefix, queue, Math.min(BATCH, count - removed), ...turns],
        RESEND,
      );
      removed += Number(reply);
      if (Number(reply) > 0) continue;
      // Jobs may wait where the list is empty: the job that has their turn runs, or waits for a slot of its limit.
      turns = [...(await waitingTurns(this, queue)).keys()].slice(0, BATCH);
      if (turns.length === 0) break;
    }
    return removed;
  }

  /** Deletes a queue and its pause, but not its jobs. */
  async deleteQueue(queue: string): Promise<void> {
    const key = this.keys.queue(queue);
    await dropTurns(this, queue);
    await Promise.all([
      this.client.send("SREM", [this.keys.queues, key], RESEND),
      this.client.send("DEL", [key], RESEND),
      this.client.send("HDEL", [this.keys.paused, queue], RESEND),
    ]);
  }

  /** The names of all queues that have ever been used, sorted. */
  async queueNames(): Promise<string[]> {
    const reply = await this.client.send(
      "SMEMBERS",
      [this.keys.queues],
      RESEND,
    );
    return list(reply).map((key) => this.keys.queueName(String(key))).sort();
  }
}

function stateOf(reply: RedisReply): JobState {
  const [exists, status, entry] = list(reply);
  return {
    exists: exists === 1,
    status: status ? String(status) : null,
    latest: entry ? resultOfEntry(entry) : null,
  };
}

/** Reads one entry of a results stream. */
export function resultOfEntry(entry: RedisReply): StoredResult {
  const [entryId, flat] = list(entry);
  const fields = new Map<string, string>();
  const values = texts(flat ?? null);
  for (let i = 0; i + 1 < values.length; i += 2) {
    fields.set(values[i]!, values[i + 1]!);
  }
  return {
    entryId: String(entryId),
    type: Number(fields.get("type")),
    returnValue: fields.get("return_value"),
    excString: fields.get("exc_string"),
  };
}
