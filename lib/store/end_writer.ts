/**
 * Records ends of executions, many in one call.
 *
 * @module
 */

import {
  CallRefusedError,
  type RedisClient,
  ReplyError,
} from "../redis/redis_client.ts";
import type { Keys } from "./keys.ts";
import { LARGE_PAYLOAD } from "./records.ts";
import { releaseDependents } from "./release.ts";
import { type Answer, sendEnds } from "./send_ends.ts";
import type {
  End,
  EndReply,
  WorkerIdentity,
  WorkerState,
} from "./worker_types.ts";

/** The most ends of one call; any but a success counts twice. At some 30 µs each, a call takes Redis 2 ms. */
const MAX_WEIGHT = 50;
/** Most bytes of payloads in one call, if it has several ends. */
const MAX_BYTES = LARGE_PAYLOAD;

/** Records the ends of a worker's executions. */
export class EndWriter {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  /** How many ends are unanswered: all of them are sent again if the connection is lost. */
  #unanswered = 0;

  /** One for each store. */
  constructor(client: RedisClient, keys: Keys) {
    this.#client = client;
    this.#keys = keys;
  }

  /**
   * Records ends, and releases dependents. It calls the client synchronously, so a later call of the client is executed
   * later. Returns a promise for each end, in the order of the list.
   *
   * @param serverTime The server's time in milliseconds since 1970, if it is known.
   */
  write(
    worker: WorkerIdentity,
    ends: readonly End[],
    state: WorkerState,
    serverTime: number | undefined,
  ): Promise<EndReply>[] {
    return batchesOf(ends).flatMap((batch) => {
      const answers = this.#settle(worker, batch, state, serverTime);
      return batch.map((end, i) => this.#conclude(end, answers, i));
    });
  }

  async #conclude(
    { execution }: End,
    answers: Promise<readonly (Answer | Refused)[]>,
    i: number,
  ): Promise<EndReply> {
    const answer = (await answers)[i]!;
    if ("refusal" in answer) throw answer.refusal;
    const [reply, cursor] = answer;
    if (reply === "finished" || reply === "failed" || reply === "stopped") {
      const parent = { id: execution.job.id, how: reply };
      await releaseDependents(this.#client, this.#keys, parent, cursor);
    }
    return reply;
  }

  /** If Redis refuses a batch, sends each end by itself; for those already recorded, that changes nothing. */
  async #settle(
    worker: WorkerIdentity,
    batch: readonly End[],
    state: WorkerState,
    serverTime: number | undefined,
  ): Promise<readonly (Answer | Refused)[]> {
    this.#unanswered += batch.length;
    try {
      return await this.#send(worker, batch, state, serverTime);
    } catch (error) {
      if (batch.length === 1 || !isRefusal(error)) throw error;
      return await Promise.all(batch.map(async (end) => {
        try {
          // By now the worker may have claimed other jobs.
          const [answer] = await this.#send(worker, [end], "", serverTime);
          return answer!;
        } catch (error) {
          return { refusal: error };
        }
      }));
    } finally {
      this.#unanswered -= batch.length;
    }
  }

  async #send(
    worker: WorkerIdentity,
    batch: readonly End[],
    state: WorkerState | "",
    serverTime: number | undefined,
  ): Promise<readonly Answer[]> {
    return await sendEnds(this.#client, this.#keys, batch, {
      worker,
      state,
      unanswered: this.#unanswered,
      serverTime,
    });
  }
}

/** An end that Redis refuses. */
interface Refused {
  readonly refusal: unknown;
}

/** Whether Redis refused the call, perhaps because of only one of its ends. */
function isRefusal(error: unknown): boolean {
  return error instanceof ReplyError || error instanceof CallRefusedError;
}

/** Splits ends into calls, in their order. */
function batchesOf(ends: readonly End[]): End[][] {
  const batches: End[][] = [];
  let [weight, bytes] = [Infinity, 0];
  for (const end of ends) {
    const ownWeight = end.outcome === "finished" ? 1 : 2;
    const ownBytes = end.payload.length;
    if (weight + ownWeight > MAX_WEIGHT || bytes + ownBytes > MAX_BYTES) {
      batches.push([]);
      weight = bytes = 0;
    }
    batches.at(-1)!.push(end);
    weight += ownWeight;
    bytes += ownBytes;
  }
  return batches;
}
