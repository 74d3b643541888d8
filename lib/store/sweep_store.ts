/**
 * The operations of the background passes on Redis. Each works in bounded calls until nothing is left to do, and stops
 * between two calls when its signal is aborted. Any number of workers may do the same at once.
 *
 * @module
 */

import { DEFAULT_FAILURE_TTL } from "../job/options.ts";
import { type RedisClient, ReplyError } from "../redis/redis_client.ts";
import type { Script } from "../redis/script.ts";
import { list, texts } from "./replies.ts";
import type { Keys, RegistryName } from "./keys.ts";
import { HEAD_LENGTH } from "./lua/moves.ts";
import { cleanLimits } from "./clean_limits.ts";
import { cleanGroups, tendGroups } from "./sweep_groups.ts";
import { dropDeadWorkers } from "./dead_workers.ts";
import {
  dueKeys,
  firstScheduled,
  lookAtLimits,
  promoteScheduled,
  type Promotion,
} from "./due_jobs.ts";
import { MAX_LOSSES } from "./lease.ts";
import { chunks } from "./chunks.ts";
import { releaseHeld } from "./release.ts";
import { cleanTags } from "./tagged_jobs.ts";
import { DROP_CANCELED } from "./scripts/drop_canceled.ts";
import { DROP_EXPIRED } from "./scripts/drop_expired.ts";
import { EXPIRED_LEASES } from "./scripts/expired_leases.ts";
import { PROMOTE_DEFERRED } from "./scripts/promote_deferred.ts";
import { PROMOTE_READY } from "./scripts/promote_ready.ts";
import { RECOVER } from "./scripts/recover.ts";
import { RETURN_POPPED } from "./scripts/return_popped.ts";
import { cleanUnique } from "./unique_keys.ts";
import { type Passed, passTurns } from "./turns.ts";

/** What recovering the jobs of one queue has done. */
export interface SweepReply {
  /** Ids of jobs that were put back. */
  readonly requeued: readonly string[];
  /** Ids of jobs that have lost their worker too often. */
  readonly failed: readonly string[];
  /** Ids of jobs that somebody had asked to stop. */
  readonly stopped: readonly string[];
}

/**
 * How many ids one call of each script looks at. With so many, no call kept Redis from others for more than 2.5 ms where
 * there was the most to do for every one of them; half of the calls took 1 to 1.6 ms.
 */
const BATCH = {
  leases: 500,
  recover: 30,
  popped: 40,
  deferred: 100,
  ready: 50,
  canceled: 1_000,
  expired: 2_000,
  queues: 100,
} as const;

/** How many seconds an id may be in an intermediate list without being claimed. */
const INTERMEDIATE_GRACE = 6;
/** For how many milliseconds nobody else may recover leases of a queue between two calls of one worker. */
const RECOVERING_MS = 1_000;

const RESEND = { resend: true } as const;

/** See the module. */
export class SweepStore {
  /** The connection. */
  readonly client: RedisClient;
  /** The names of the keys. */
  readonly keys: Keys;

  /** Works on one connection and under one prefix. */
  constructor(client: RedisClient, keys: Keys) {
    this.client = client;
    this.keys = keys;
  }

  /**
   * Takes a turn at a pass, if nobody else has taken one in the last `ms` milliseconds. It is not a lock, and is not
   * released: a worker that dies during its turn delays the others by no more than that. "who" is stored with it.
   */
  async takeTurn(pass: string, ms: number, who = "1"): Promise<boolean> {
    const args = [this.keys.turn(pass), who, "NX", "PX", ms];
    try {
      return await this.client.send("SET", args, RESEND) !== null;
    } catch (error) {
      // A full Redis has no room for the mark: then every worker does the pass, rather than none.
      if (error instanceof ReplyError && error.code === "OOM") return true;
      throw error;
    }
  }

  /** The names of all queues that have ever been used. */
  async queueNames(): Promise<string[]> {
    const args = [this.keys.queues];
    const reply = await this.client.send("SMEMBERS", args, RESEND);
    return list(reply).map((key) => this.keys.queueName(String(key)));
  }

  /** Those of the queues that may have something to do: one command excludes a hundred queues that have none of the keys. */
  async having(
    keysOf: (queue: string) => readonly string[],
    queues: readonly string[],
  ): Promise<string[]> {
    const groups = await Promise.all(
      chunks(queues, BATCH.queues).map(async (group) => {
        return await this.#someExist(group.flatMap(keysOf)) ? group : [];
      }),
    );
    return groups.flat();
  }

  async #someExist(keys: readonly string[]): Promise<boolean> {
    return await this.client.send("EXISTS", keys, RESEND) !== 0;
  }

  /** The keys of what dead workers may have left: claimed and popped jobs, dependents to release, and turns to give on. */
  inHandKeys(queue: string): string[] {
    const { keys } = this;
    return [
      keys.registry("wip", queue),
      keys.intermediate(queue),
      keys.releasing,
      keys.fair(queue),
    ];
  }

  /** The keys of some registries of a queue. */
  registryKeys(
    names: readonly RegistryName[],
  ): (queue: string) => string[] {
    return (queue) => names.map((name) => this.keys.registry(name, queue));
  }

  /**
   * Puts back the jobs of dead workers: those whose lease has expired, and those that were popped and never claimed.
   * They go to the head of the queue in the order in which they were taken from it.
   */
  async recover(
    queue: string,
    abandonedText: string,
    signal?: AbortSignal,
  ): Promise<SweepReply> {
    const popped = await this.#returnPopped(queue, signal);
    const { requeued, ...ended } = await this.#recoverLeases(
      queue,
      abandonedText,
      signal,
    );
    return { requeued: [...requeued, ...popped], ...ended };
  }

  async #recoverLeases(
    queue: string,
    abandonedText: string,
    signal?: AbortSignal,
  ): Promise<SweepReply> {
    const members = await this.#expiredLeases(queue, signal);
    const token = crypto.randomUUID();
    const found = { requeued: [], failed: [], stopped: [] } as Record<
      keyof SweepReply,
      string[]
    >;
    // In reverse order if there are very many: the oldest ones are put back last, before the others.
    const groups = chunks(members, HEAD_LENGTH).toReversed();
    for (const [i, group] of groups.entries()) {
      let before = "";
      const parts = chunks(group, BATCH.recover);
      for (const [k, some] of parts.entries()) {
        if (signal?.aborted) break;
        const isLast = i + 1 === groups.length && k + 1 === parts.length;
        const pairs = texts(
          await RECOVER.run(this.client, [
            this.keys.registry("wip", queue),
            this.keys.turn(`recover:${queue}`),
          ], [
            this.keys.prefix,
            queue,
            token,
            isLast ? 0 : RECOVERING_MS,
            MAX_LOSSES,
            DEFAULT_FAILURE_TTL,
            abandonedText,
            before,
            ...some,
          ], RESEND),
        );
        if (pairs[0] === "busy") return found;
        for (let i = 0; i + 1 < pairs.length; i += 2) {
          found[pairs[i] as keyof SweepReply].push(pairs[i + 1]!);
          if (pairs[i] === "requeued") before = pairs[i + 1]!;
        }
      }
    }
    return found;
  }

  /** Members of the started registry whose lease has expired, in the order in which their jobs were claimed. */
  async #expiredLeases(
    queue: string,
    signal?: AbortSignal,
  ): Promise<string[]> {
    const found: { member: string; order: string }[] = [];
    const keys = [this.keys.registry("wip", queue)];
    for (let offset = 0; !signal?.aborted; offset += BATCH.leases) {
      const args = [this.keys.prefix, offset, BATCH.leases];
      const reply = await EXPIRED_LEASES.run(this.client, keys, args, RESEND);
      const [looked, ...pairs] = texts(reply);
      for (let i = 0; i + 1 < pairs.length; i += 2) {
        found.push({ member: pairs[i]!, order: pairs[i + 1]! });
      }
      if (Number(looked) < BATCH.leases) break;
    }
    return found
      .sort((a, b) => a.order < b.order ? -1 : a.order > b.order ? 1 : 0)
      .map(({ member }) => member);
  }

  async #returnPopped(
    queue: string,
    signal?: AbortSignal,
  ): Promise<string[]> {
    const requeued: string[] = [];
    let from = 0;
    while (!signal?.aborted) {
      const [stay, left, ...ids] = texts(
        await RETURN_POPPED.run(this.client, [this.keys.intermediate(queue)], [
          this.keys.prefix,
          queue,
          INTERMEDIATE_GRACE,
          from,
          BATCH.popped,
          requeued.at(-1) ?? "",
        ], RESEND),
      );
      requeued.push(...ids);
      if (Number(stay) + Number(left) < BATCH.popped) break;
      from += Number(stay);
    }
    return requeued;
  }

  /** Drops ids of expired results and failures; returns how many. */
  async dropExpired(
    queues: readonly string[],
    signal?: AbortSignal,
  ): Promise<number> {
    let dropped = 0;
    const keysOf = this.registryKeys(["finished", "failed"]);
    for (const group of chunks(queues, BATCH.queues)) {
      const keys = group.flatMap(keysOf);
      const args = [this.keys.prefix, BATCH.expired];
      for (let last: number = BATCH.expired; last === BATCH.expired;) {
        if (signal?.aborted) return dropped;
        last = Number(await DROP_EXPIRED.run(this.client, keys, args, RESEND));
        dropped += last;
      }
    }
    return dropped;
  }

  /** Drops ids of canceled jobs that are gone; returns how many. */
  dropCanceled(queue: string, signal?: AbortSignal): Promise<number> {
    return this.#walk(DROP_CANCELED, "canceled", queue, signal);
  }

  /** Queues deferred jobs that nobody has released, and drops those that are gone; returns how many. */
  promoteDeferred(queue: string, signal?: AbortSignal): Promise<number> {
    return this.#walk(PROMOTE_DEFERRED, "deferred", queue, signal);
  }

  /** Queues jobs that a dead Python worker was about to enqueue; returns how many. */
  promoteReady(queue: string, signal?: AbortSignal): Promise<number> {
    return this.#walk(PROMOTE_READY, "ready", queue, signal);
  }

  /** Applies a script to all members of a registry, in bounded calls; returns how many have left it. */
  async #walk(
    script: Script,
    name: "canceled" | "deferred" | "ready",
    queue: string,
    signal?: AbortSignal,
  ): Promise<number> {
    const keys = [this.keys.registry(name, queue)];
    const batch = BATCH[name];
    let left = 0;
    for (let from = 0; !signal?.aborted;) {
      const args = [this.keys.prefix, from, batch];
      const reply = await script.run(this.client, keys, args, RESEND);
      const [stay = 0, gone = 0] = texts(reply).map(Number);
      left += gone;
      if (stay + gone < batch) break;
      from += stay;
    }
    return left;
  }

  /** Continues releases of dependents whose worker has died, or is still at it; returns of how many jobs. */
  releaseHeld(signal?: AbortSignal): Promise<number> {
    return releaseHeld(this.client, this.keys, signal);
  }

  /** Drops workers whose hash has expired from the sets of these queues and of all workers; returns their names. */
  dropDeadWorkers(
    queues: readonly string[],
    signal?: AbortSignal,
  ): Promise<string[]> {
    return dropDeadWorkers(this.client, this.keys, queues, signal);
  }

  /** Gives on turns of a queue's fair keys that nobody has given on, in one bounded call from a cursor on. */
  passTurns(queue: string, cursor: string): Promise<Passed> {
    return passTurns(this, queue, cursor);
  }

  /** Whether there are rate limits or tags, which want to be cleaned. */
  hasLimitsOrTags(): Promise<boolean> {
    return this.#someExist([this.keys.limits, this.keys.tags]);
  }

  /** Frees slots of rate limits that jobs no longer need; returns how many. */
  cleanLimits(signal?: AbortSignal): Promise<number> {
    return cleanLimits(this.client, this.keys, signal);
  }

  /** Drops unique keys that nobody has freed; returns how many. */
  cleanUnique(signal?: AbortSignal): Promise<number> {
    return cleanUnique(this, signal);
  }

  /** Drops jobs that are gone from the index of tags. */
  cleanTags(signal?: AbortSignal): Promise<void> {
    return cleanTags(this.client, this.keys, signal);
  }

  /** Looks after groups that are not complete; returns how many it has looked at. */
  tendGroups(signal?: AbortSignal): Promise<number> {
    return tendGroups(this.client, this.keys, signal);
  }

  /** Drops jobs that are gone from groups; returns how many. */
  cleanGroups(signal?: AbortSignal): Promise<number> {
    return cleanGroups(this.client, this.keys, signal);
  }

  /**
   * Has the scripts that schedule jobs of these queues tell a worker of those that are due before all others. So that
   * nothing of the last worker stays, all announcements expire that many seconds after the latest one.
   */
  async announceScheduler(
    queues: readonly string[],
    worker: string,
    seconds: number,
  ): Promise<void> {
    const { client, keys } = this;
    const fields = queues.flatMap((queue) => [queue, worker]);
    await Promise.all([
      client.send("HSET", [keys.schedulers, ...fields], RESEND),
      client.send("EXPIRE", [keys.schedulers, seconds], RESEND),
    ]);
  }

  /** The keys of what becomes due on a queue. */
  dueKeys(queue: string): string[] {
    return dueKeys(this.keys, queue);
  }

  /** The score of the scheduled job of a queue that is due first, if there is any. */
  firstScheduled(queue: string): Promise<string | undefined> {
    return firstScheduled(this.client, this.keys, queue);
  }

  /**
   * Queues scheduled jobs that are due, in the order of their time.
   *
   * @throws {Error} If a key of the queue holds another type of value; the jobs stay scheduled.
   */
  promoteScheduled(queue: string, signal?: AbortSignal): Promise<Promotion> {
    return promoteScheduled(this.client, this.keys, queue, signal);
  }

  /** Queues jobs that their rate limits let through by now, as far as workers of this queue are to see to that. */
  lookAtLimits(queue: string, signal?: AbortSignal): Promise<Promotion> {
    return lookAtLimits(this.client, this.keys, queue, signal);
  }
}
